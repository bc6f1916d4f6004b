#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/shim_client/packet.h"

namespace trivet::cri {

/// What a caller does while it waits: until the descriptor is readable, which is when there is an
/// answer or will be none, or until the time has come.
using Meanwhile = std::function<void(int answered_fd, std::chrono::steady_clock::time_point until)>;

/// One more connection to a shim, for an exec at a time. Who waits for its end reads the answer
/// itself: on the shim's first connection the reactor is woken, and wakes it. Any thread.
class ExecLine {
 public:
  explicit ExecLine(std::filesystem::path shim) : shim_(std::move(shim)) {}

  /// Invalid for the first exec, which most pods have no second of; while another exec has the
  /// connection; where there can be none. Then the shim's first connection is as good.
  UniqueFd Take();
  /// Back from Exchange, or invalid.
  void Give(UniqueFd connection);
  /// There is none any more.
  void End();

  /// Nothing when there is no answer by then: it may come later, and `connection` is closed, as
  /// after an error. Errors: those of SendPacket and ReceivePacket.
  static Result<std::optional<Packet>> Exchange(UniqueFd& connection, const shim::Header& header,
                                                const std::string& body,
                                                const std::vector<int>& fds,
                                                std::chrono::steady_clock::time_point until,
                                                const Meanwhile& meanwhile);

 private:
  std::filesystem::path shim_;
  std::mutex mutex_;
  bool had_one_ = false;
  bool taken_ = false;
  bool ended_ = false;
  UniqueFd idle_;
};

}  // namespace trivet::cri
