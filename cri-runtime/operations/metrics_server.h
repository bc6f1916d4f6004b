#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::cri {

/// Answers "GET /metrics" over HTTP/1.1, one connection after the other, in a thread of its own.
/// A client has 8 KiB for its request, and five seconds until it has the answer.
class MetricsServer {
 public:
  using Text = std::function<std::string()>;

  /// `address` is "127.0.0.1:9470" or "[::1]:9470"; port 0 takes a free one.
  /// Errors: kInvalidArgument for what is no address; the kernel's.
  static Result<std::unique_ptr<MetricsServer>> Start(const std::string& address, Text text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] int port() const;

 private:
  MetricsServer(UniqueFd listening, UniqueFd wake, Text text)
      : listening_(std::move(listening)), wake_(std::move(wake)), text_(std::move(text)) {}
  void Loop();
  void Answer(const UniqueFd& client) const;

  UniqueFd listening_;
  UniqueFd wake_;
  Text text_;
  std::thread thread_;
};

}  // namespace trivet::cri
