#include "cri-runtime/cni/own_plugins.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

#include "common/linux/worker_threads.h"

namespace trivet::network {
namespace {

constexpr std::string_view kOwnProgram = "trivet-cni";

bool IsOwn(const std::filesystem::path& program) {
  std::error_code ignored;
  return std::filesystem::canonical(program, ignored).filename() == kOwnProgram;
}

}  // namespace

OwnPlugins::~OwnPlugins() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return kept_ == 0; });
}

bool OwnPlugins::Has(const std::filesystem::path& program) {
  return Find(program)->is_own;
}

Result<Child> OwnPlugins::Start(const Command& command, const InheritedFds& fds) {
  const auto program = Find(command.program);
  program->used = Clock::now();
  if (auto forked = Fork(*program, command, fds)) return std::move(*forked);
  BeginToKeep(program, command.program);
  return StartCommand(command, fds);
}

// Nothing when there is no server, or none that could begin.
std::optional<Result<Child>> OwnPlugins::Fork(Program& program, const Command& command,
                                              const InheritedFds& fds) {
  const std::scoped_lock serving(program.serving);
  if (program.server == nullptr) return std::nullopt;
  auto child = program.server->Fork(command, fds);
  if (child || program.server->good()) {
    return child ? std::optional(std::move(child)) : std::nullopt;
  }
  program.server.reset();
  const bool nothing_began = child.error().code() == Code::kUnavailable;
  {
    const std::scoped_lock lock(mutex_);
    program.lost = true;
    changed_.notify_all();
  }
  return nothing_began ? std::nullopt : std::optional(std::move(child));
}

void OwnPlugins::BeginToKeep(const std::shared_ptr<Program>& program,
                             const std::filesystem::path& path) {
  const std::scoped_lock lock(mutex_);
  if (program->is_kept || !program->can_serve || stopping_) return;
  RunAside([this, program, path] { Keep(program, path); });
  program->is_kept = true;
  ++kept_;
}

OwnPlugins::File OwnPlugins::Examine(const std::filesystem::path& program) {
  struct stat info{};
  if (::stat(program.c_str(), &info) != 0) return {};
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .changed_ns = info.st_ctim.tv_sec * kNsPerSecond + info.st_ctim.tv_nsec};
}

std::shared_ptr<OwnPlugins::Program> OwnPlugins::Find(const std::filesystem::path& path) {
  const File file = Examine(path);
  const std::scoped_lock lock(mutex_);
  auto& program = programs_[path];
  if (program != nullptr && program->file == file) return program;
  program = std::make_shared<Program>();
  program->file = file;
  program->is_own = IsOwn(path);
  return program;
}

// True when it is to end before that.
bool OwnPlugins::AwaitEnd(const Program& program, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [&] { return stopping_ || program.lost; });
}

void OwnPlugins::Keep(const std::shared_ptr<Program>& program, const std::filesystem::path& path) {
  if (!AwaitEnd(*program, Clock::now() + times_.before)) Serve(*program, path);
  {
    const std::scoped_lock serving(program->serving);
    program->server.reset();
  }
  const std::scoped_lock lock(mutex_);
  program->is_kept = program->lost = false;
  --kept_;
  changed_.notify_all();
}

void OwnPlugins::Serve(Program& program, const std::filesystem::path& path) {
  auto server = ForkServer::Start(path);
  if (!server) {
    spdlog::info("plugin is loaded for each run reason=\"{}\"", server.error().message());
    const std::scoped_lock lock(mutex_);
    program.can_serve = false;
    return;
  }
  if (Examine(path) != program.file) return;  // another one is there by now
  {
    const std::scoped_lock serving(program.serving);
    program.server = std::move(*server);
  }
  const auto end = [&] { return program.used.load() + times_.idle; };
  while (!AwaitEnd(program, end()) && Clock::now() < end()) {
  }
}

}  // namespace trivet::network
