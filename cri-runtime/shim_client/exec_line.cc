#include "cri-runtime/shim_client/exec_line.h"

#include <utility>

#include "cri-runtime/shim_client/socket.h"

namespace trivet::cri {

UniqueFd ExecLine::Take() {
  const std::scoped_lock lock(mutex_);
  if (!std::exchange(had_one_, true) || taken_ || ended_) return {};
  UniqueFd connection = std::move(idle_);
  if (!connection.valid()) connection = ConnectToShim(shim_).value_or(UniqueFd());
  taken_ = connection.valid();
  return connection;
}

void ExecLine::Give(UniqueFd connection) {
  const std::scoped_lock lock(mutex_);
  taken_ = false;
  if (!ended_) idle_ = std::move(connection);
}

void ExecLine::End() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  idle_.reset();
}

Result<std::optional<Packet>> ExecLine::Exchange(UniqueFd& connection, const shim::Header& header,
                                                 const std::string& body,
                                                 const std::vector<int>& fds,
                                                 std::chrono::steady_clock::time_point until,
                                                 const Meanwhile& meanwhile) {
  UniqueFd taken = std::move(connection);
  RETURN_IF_ERROR(SendPacket(taken.get(), header, body, fds));
  meanwhile(taken.get(), until);
  auto answer = ReceivePacket(taken.get());
  if (!answer && answer.error().code() == Code::kAborted) return std::nullopt;
  if (!answer) return std::unexpected(std::move(answer).error());
  connection = std::move(taken);
  return std::move(*answer);
}

}  // namespace trivet::cri
