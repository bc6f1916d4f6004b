#include "cri-runtime/cni/own_plugins.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

#include "common/linux/worker_threads.h"

namespace trivet::network {
namespace {

constexpr std::string_view kOwnProgram = "trivet-cni";
constexpr const char* kServeFlag = "--serve-forks";

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
  const std::scoped_lock serving(program->serving);
  program->used = Clock::now();
  if (program->server != nullptr) {
    auto child = program->server->Fork(command, fds);
    if (child) return child;
    program->server.reset();
    if (child.error().code() != Code::kUnavailable) return child;
  } else if (program->can_serve && !std::exchange(program->is_kept, true)) {
    const std::scoped_lock lock(mutex_);
    ++kept_;
    RunAside([this, program, path = command.program] { Keep(program, path); });
  }
  return StartCommand(command, fds);
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

// True when all end.
bool OwnPlugins::AwaitStop(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [&] { return stopping_; });
}

void OwnPlugins::Keep(const std::shared_ptr<Program>& program, const std::filesystem::path& path) {
  if (!AwaitStop(Clock::now() + times_.before)) Serve(*program, path);
  {
    const std::scoped_lock serving(program->serving);
    program->server.reset();
    program->is_kept = false;
  }
  const std::scoped_lock lock(mutex_);
  --kept_;
  changed_.notify_all();
}

void OwnPlugins::Serve(Program& program, const std::filesystem::path& path) {
  auto server = ForkServer::Start(path, kServeFlag);
  {
    const std::scoped_lock serving(program.serving);
    program.can_serve = server.has_value();
    if (server) program.server = std::move(*server);
  }
  if (!server) {
    spdlog::info("plugin is loaded for each run reason=\"{}\"", server.error().message());
    return;
  }
  const auto end = [&] { return program.used.load() + times_.idle; };
  while (!AwaitStop(end()) && Clock::now() < end()) {
  }
}

}  // namespace trivet::network
