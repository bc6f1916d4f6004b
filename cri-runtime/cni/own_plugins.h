#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/linux/command.h"
#include "common/linux/run_server.h"

namespace trivet::network {

/// What goes on beside a run of a plugin.
struct Beside {
  /// When the plugin may do anything, where that is not at once; its error is the run's.
  std::function<Result<>()> may_begin;
  /// Work for the time that the plugin takes: done at most once, and before the run returns; done
  /// wherever the run succeeds. It must not throw.
  std::function<void()> meanwhile;
};

/// The plugins that are trivet-cni, whose ways are known: they stay loaded for as long as they are
/// run (common/linux/run_server.h). Any thread.
class OwnPlugins {
 public:
  struct Times {
    std::chrono::milliseconds idle = std::chrono::seconds(10);  // after a run
  };
  OwnPlugins() : OwnPlugins(Times()) {}
  explicit OwnPlugins(const Times& times) : times_(times) {}
  /// Ends the servers, and waits for that. Nothing may run any more.
  ~OwnPlugins();
  OwnPlugins(const OwnPlugins&) = delete;
  OwnPlugins& operator=(const OwnPlugins&) = delete;

  /// Whether the file is trivet-cni, if by links: by its name.
  bool Has(const std::filesystem::path& program) { return FileOf(program) != nullptr; }
  /// The same for as long as the program is the same file; null for one that it has not.
  std::shared_ptr<const void> FileOf(const std::filesystem::path& program);

  /// Runs a program, as RunCommand; one that it Has is loaded while it may not begin yet. Errors:
  /// RunCommand's; RunServer's; may_begin's.
  Result<RunOutput> Run(const Command& command, std::string_view input,
                        std::chrono::milliseconds timeout, Beside beside);

 private:
  using Clock = std::chrono::steady_clock;

  // What a path leads to. Another file under the same path is another one of these.
  struct File {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t changed_ns = 0;
    bool operator==(const File&) const = default;
  };
  struct Idle {
    std::unique_ptr<RunServer> server;
    Clock::time_point since;
  };
  struct Program {
    File file;
    bool is_own = false;
    bool can_serve = true;
    std::vector<Idle> idle;  // the one that ran last is the last
  };

  static File Examine(const std::filesystem::path& program);
  std::shared_ptr<Program> Find(const std::filesystem::path& path);
  [[nodiscard]] std::shared_ptr<Program> FindSame(const File& file) const;
  std::unique_ptr<RunServer> Take(Program& program, const std::filesystem::path& path);
  void GiveBack(const std::shared_ptr<Program>& program, std::unique_ptr<RunServer> server);
  void ServeNoMore(Program& program, const Error& reason);
  bool BeginToKeep();
  void EndIdle();
  std::vector<Idle> TakeOld(Clock::time_point& next);

  const Times times_;
  std::mutex mutex_;  // of all below, and of what programs have
  std::condition_variable changed_;
  bool stopping_ = false;
  bool is_kept_ = false;  // a thread ends what is idle for too long
  std::map<std::filesystem::path, std::shared_ptr<Program>> programs_;
};

}  // namespace trivet::network
