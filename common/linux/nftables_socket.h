#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

struct nlmsghdr;

namespace trivet::nft {

/// A NETLINK_NETFILTER socket: the transport under Transaction and the Read functions.
/// Source: net/netfilter/nfnetlink.c (nfnetlink_rcv_batch).
class NetfilterSocket {
 public:
  static Result<NetfilterSocket> Open();

  /// Sends `messages`, each with its index in `operations` as sequence number, as one batch.
  /// Errors: the first refused operation, by its name.
  Result<> Commit(std::span<const char> messages, const std::vector<std::string>& operations);

  /// Sends a dump request, or one with NLM_F_ACK, and gives every answer to `visit`. Errors: as the
  /// kernel's errno; kAborted when the tables changed during a dump: ask again.
  Result<> Ask(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& visit,
               std::string_view what);

 private:
  explicit NetfilterSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<> ReceiveAnswers(const std::function<void(const nlmsghdr*)>& visit, std::string_view what);

  UniqueFd fd_;
};

}  // namespace trivet::nft
