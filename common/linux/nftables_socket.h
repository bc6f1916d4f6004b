#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/netlink.h"

namespace trivet::nft {

/// A NETLINK_NETFILTER socket: the transport under Transaction and the Read functions.
/// Source: net/netfilter/nfnetlink.c (nfnetlink_rcv_batch).
class NetfilterSocket {
 public:
  static Result<NetfilterSocket> Open();
  ~NetfilterSocket();
  NetfilterSocket(NetfilterSocket&&) noexcept = default;
  NetfilterSocket& operator=(NetfilterSocket&&) = delete;

  /// Sends `messages`, each with its index in `operations` as sequence number, as one batch.
  /// Errors: the first refused operation, by its name.
  Result<> Commit(std::span<const std::byte> messages, const std::vector<std::string>& operations);

  /// Takes the attributes of one answer, which live as long as the call.
  using Visit = std::function<void(const netlink::Attributes&)>;
  /// Sends a dump request, or one with NLM_F_ACK, and gives every answer to `visit`. Errors: as the
  /// kernel's errno; kAborted when the tables changed during a dump: ask again.
  Result<> Ask(const netlink::Request& request, const Visit& visit, std::string_view what);

 private:
  explicit NetfilterSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<> ReceiveAnswers(const Visit& visit, std::string_view what);

  UniqueFd fd_;
  bool idle_ = true;  // nothing of an answer is left in it
};

/// While it lives, its thread's netfilter sockets are one and the same, which is closed with it:
/// the kernel lets whoever closes one wait until everything is freed that anybody deleted, which
/// takes tens of milliseconds, and that goes on meanwhile. The thread stays in its network
/// namespace. Not within another. Source: nf_tables_api.c (nft_rcv_nl_event).
class NetfilterSocketReuse {
 public:
  NetfilterSocketReuse();
  ~NetfilterSocketReuse();
  NetfilterSocketReuse(const NetfilterSocketReuse&) = delete;
  NetfilterSocketReuse& operator=(const NetfilterSocketReuse&) = delete;

 private:
  friend class NetfilterSocket;
  UniqueFd fd_;
};

}  // namespace trivet::nft
