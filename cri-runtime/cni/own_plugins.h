#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/linux/command.h"
#include "common/linux/fork_server.h"

namespace trivet::network {

/// The plugins that are trivet-cni, whose ways are known. One that is run often is loaded once and
/// forked (common/linux/fork_server.h) until it is not run for a while. Any thread.
class OwnPlugins {
 public:
  struct Times {
    std::chrono::milliseconds before = std::chrono::milliseconds(100);  // after the first run
    std::chrono::milliseconds idle = std::chrono::seconds(10);
  };
  OwnPlugins() : OwnPlugins(Times()) {}
  explicit OwnPlugins(const Times& times) : times_(times) {}
  /// Ends the servers, and waits for that.
  ~OwnPlugins();
  OwnPlugins(const OwnPlugins&) = delete;
  OwnPlugins& operator=(const OwnPlugins&) = delete;

  /// Whether the file is trivet-cni, if by links: by its name.
  bool Has(const std::filesystem::path& program);

  /// Starts a program that it Has, as StartCommand. Errors: StartCommand's; ForkServer::Fork's.
  Result<Child> Start(const Command& command, const InheritedFds& fds);

 private:
  using Clock = std::chrono::steady_clock;

  // What a path leads to. Another file under the same path is another one of these.
  struct File {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t changed_ns = 0;
    bool operator==(const File&) const = default;
  };
  struct Program {
    File file;
    bool is_own = false;
    std::atomic<Clock::time_point> used{Clock::time_point()};
    bool is_kept = false;
    bool can_serve = true;
    bool lost = false;   // the server
    std::mutex serving;  // of the server; held while a process is forked, and before mutex_
    std::unique_ptr<ForkServer> server;
  };

  static File Examine(const std::filesystem::path& program);
  std::shared_ptr<Program> Find(const std::filesystem::path& path);
  std::optional<Result<Child>> Fork(Program& program, const Command& command,
                                    const InheritedFds& fds);
  void BeginToKeep(const std::shared_ptr<Program>& program, const std::filesystem::path& path);
  void Keep(const std::shared_ptr<Program>& program, const std::filesystem::path& path);
  void Serve(Program& program, const std::filesystem::path& path);
  bool AwaitEnd(const Program& program, Clock::time_point until);

  const Times times_;
  std::mutex mutex_;  // of all below, and of what programs have but for the server
  std::condition_variable changed_;
  bool stopping_ = false;
  int kept_ = 0;  // threads
  std::map<std::filesystem::path, std::shared_ptr<Program>> programs_;
};

}  // namespace trivet::network
