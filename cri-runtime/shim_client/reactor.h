#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/shim_client/connection.h"

namespace trivet::cri {

/// What the shims tell by themselves. Called in the reactor's thread.
struct ShimEvents {
  std::function<void(const shim::ExitRecord& exit)> container_exited;
  /// Not for one that speaks another major version: it is there, and its calls fail.
  std::function<void(const std::string& sandbox_id)> shim_gone;
};

/// All connections to shims, and the one thread that reads them.
class ShimReactor {
 public:
  static Result<std::unique_ptr<ShimReactor>> Start(ShimEvents events);
  ~ShimReactor();
  ShimReactor(const ShimReactor&) = delete;
  ShimReactor& operator=(const ShimReactor&) = delete;

  /// Connects to a shim that listens. Errors: kNotFound without a socket, kUnavailable when nobody
  /// listens or the peer is another user.
  Result<std::shared_ptr<ShimConnection>> Connect(const std::string& sandbox_id,
                                                  const std::filesystem::path& socket);

  /// Errors: kUnavailable when there is no connection.
  Result<std::shared_ptr<ShimConnection>> Find(const std::string& sandbox_id) const;

  /// Forgets a connection without an event: its shim is expected to go.
  void Drop(const std::string& sandbox_id, const std::optional<Error>& reason = std::nullopt);

 private:
  ShimReactor(ShimEvents events, UniqueFd epoll, UniqueFd wake)
      : events_(std::move(events)), epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void Loop();
  void ReadFrom(int socket_fd);
  void Lose(const std::shared_ptr<ShimConnection>& connection, const Error& reason);
  std::shared_ptr<ShimConnection> Take(int socket_fd);

  ShimEvents events_;
  UniqueFd epoll_;
  UniqueFd wake_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ShimConnection>> connections_;
  std::map<int, std::shared_ptr<ShimConnection>> by_socket_;
  std::thread thread_;
};

}  // namespace trivet::cri
