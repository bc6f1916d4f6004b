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

}  // namespace trivet::cri
