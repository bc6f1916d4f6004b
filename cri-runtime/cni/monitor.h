#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/base/unique_fd.h"
#include "cri-runtime/cni/network.h"

namespace trivet::network {

/// Whether pods can be attached now: a thread watches the folder of configurations (inotify) and
/// asks the plugins of the one in force, VERSION when it changes and STATUS every few seconds. The
/// log says when the answer changes.
class NetworkMonitor {
 public:
  struct Source {
    std::filesystem::path directory;                   // of the configurations
    std::function<json::Value()> capability_args;      // for STATUS
    std::chrono::milliseconds interval{10'000};        // of STATUS
    std::chrono::milliseconds retry_interval{2'000};   // while it is not ready
    std::chrono::milliseconds answer_patience{3'000};  // of Ready, for plugins not asked before
  };

  /// `network` is borrowed. Errors: the kernel's, of inotify(7).
  static Result<std::unique_ptr<NetworkMonitor>> Start(const Network& network, Source source);
  ~NetworkMonitor();
  NetworkMonitor(const NetworkMonitor&) = delete;
  NetworkMonitor& operator=(const NetworkMonitor&) = delete;

  /// The configuration in force, when its plugins are ready. The folder is read anew, so that no
  /// answer is about an earlier one; plugins are not executed in the caller's time.
  /// Errors: LoadNetworkConfig's; the plugin's that is not ready; kUnavailable when a new
  /// configuration's plugins have not answered yet. Any thread.
  Result<NetworkConfig> Ready();

 private:
  NetworkMonitor(const Network& network, Source source, UniqueFd inotify, UniqueFd wake)
      : network_(network),
        source_(std::move(source)),
        inotify_(std::move(inotify)),
        wake_(std::move(wake)) {}
  void Loop();
  void Watch(const std::string& network_name);
  void Examine(bool status_is_due);
  Result<> Ask(const NetworkConfig& network, bool is_new);
  void Publish(std::string text, Result<> verdict);
  void Wake();

  const Network& network_;
  Source source_;
  UniqueFd inotify_;
  UniqueFd wake_;

  std::mutex mutex_;
  std::condition_variable answered_;
  bool stopping_ = false;
  std::string examined_;  // the text of the configuration that verdict_ is about
  Result<> verdict_ = Fail(Code::kUnavailable, "no plugin was asked yet");
  std::thread thread_;
};

}  // namespace trivet::network
