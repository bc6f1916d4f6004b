#include "cri-runtime/cni/monitor.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "cri-runtime/cni/config_directory.h"

namespace trivet::network {
namespace {

using MonitorClock = std::chrono::steady_clock;

// Takes what is there; what it was does not matter.
void Empty(const UniqueFd& fd) {
  std::array<char, 4096> bytes;
  while (::read(fd.get(), bytes.data(), bytes.size()) > 0) {
  }
}

}  // namespace

Result<std::unique_ptr<NetworkMonitor>> NetworkMonitor::Start(const Network& network,
                                                              Source source) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return FailErrno("watch {}", source.directory.native());
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FailErrno("eventfd");
  std::unique_ptr<NetworkMonitor> monitor(
      new NetworkMonitor(network, std::move(source), std::move(inotify), std::move(wake)));
  monitor->thread_ = std::thread([self = monitor.get()] { self->Loop(); });
  return monitor;
}

NetworkMonitor::~NetworkMonitor() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  Wake();
  answered_.notify_all();
  thread_.join();
}

void NetworkMonitor::Wake() {
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

void NetworkMonitor::Loop() {
  MonitorClock::time_point due = MonitorClock::now();
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - MonitorClock::now());
    std::array<pollfd, 2> events{pollfd{inotify_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
    ::poll(events.data(), events.size(), static_cast<int>(std::max<int64_t>(left.count(), 0)));
    Empty(inotify_);
    Empty(wake_);
    bool ready = false;
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      ready = verdict_.has_value();
    }
    const bool is_due = MonitorClock::now() >= due;
    Examine(is_due || !ready);
    {
      const std::scoped_lock lock(mutex_);
      ready = verdict_.has_value();
    }
    if (is_due || !ready) {
      due = MonitorClock::now() + (ready ? source_.interval : source_.retry_interval);
    }
  }
}

// A folder that is not there yet is looked for again in the next round. Watching it twice is one
// watch.
void NetworkMonitor::Watch(const std::string& network_name) {
  constexpr uint32_t kChanges =
      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR;
  static_cast<void>(::inotify_add_watch(inotify_.get(), source_.directory.c_str(), kChanges));
  if (network_name.empty()) return;
  const auto folder = source_.directory / network_name;
  static_cast<void>(::inotify_add_watch(inotify_.get(), folder.c_str(), kChanges));
}

void NetworkMonitor::Examine(bool status_is_due) {
  Watch("");
  const auto network = LoadNetworkConfig(source_.directory);
  if (!network) return Publish("", std::unexpected(network.error()));
  Watch(network->name);
  bool is_new = false;
  {
    const std::scoped_lock lock(mutex_);
    is_new = examined_ != network->text;
    if (!is_new && !status_is_due) return;
    is_new = is_new || !verdict_;
  }
  Publish(network->text, Ask(*network, is_new));
}

Result<> NetworkMonitor::Ask(const NetworkConfig& network, bool is_new) {
  if (is_new) RETURN_IF_ERROR(network_.CheckVersions(network), "network " + network.name);
  RETURN_IF_ERROR(network_.CheckStatus(network, source_.capability_args()),
                  "network " + network.name);
  return {};
}

void NetworkMonitor::Publish(std::string text, Result<> verdict) {
  const std::scoped_lock lock(mutex_);
  const bool same = verdict.has_value() == verdict_.has_value() &&
                    (verdict || verdict.error().message() == verdict_.error().message());
  examined_ = std::move(text);
  verdict_ = std::move(verdict);
  answered_.notify_all();
  if (same) return;
  if (verdict_) {
    spdlog::info("network is ready");
  } else {
    spdlog::warn("network is not ready error=\"{}\"", verdict_.error().message());
  }
}

Result<NetworkConfig> NetworkMonitor::Ready() {
  ASSIGN_OR_RETURN(NetworkConfig network, LoadNetworkConfig(source_.directory));
  std::unique_lock lock(mutex_);
  if (examined_ != network.text) {
    Wake();
    answered_.wait_for(lock, source_.answer_patience,
                       [&] { return stopping_ || examined_ == network.text; });
  }
  if (examined_ != network.text) {
    return Fail(Code::kUnavailable, "network {}: its plugins have not answered yet", network.name);
  }
  if (!verdict_) return std::unexpected(verdict_.error());
  return network;
}

}  // namespace trivet::network
