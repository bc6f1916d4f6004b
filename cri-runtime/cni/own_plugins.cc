#include "cri-runtime/cni/own_plugins.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/linux/worker_threads.h"

namespace trivet::network {
namespace {

constexpr std::string_view kOwnProgram = "trivet-cni";
constexpr size_t kMostIdle = 8;  // of one program; each holds some 0.5 MiB

bool IsOwn(const std::filesystem::path& program) {
  std::error_code ignored;
  return std::filesystem::canonical(program, ignored).filename() == kOwnProgram;
}

bool NothingHasBegun(const Error& error) {
  return error.code() == Code::kOutOfRange || error.code() == Code::kUnavailable ||
         error.code() == Code::kUnimplemented;
}

Result<RunOutput> RunOnce(const Command& command, std::string_view input,
                          std::chrono::milliseconds timeout,
                          const std::function<void()>& meanwhile) {
  struct Awaited {
    ~Awaited() {
      if (work.valid()) work.wait();
    }
    std::future<void> work;
  };
  const Awaited beside{meanwhile ? BeginAside(meanwhile) : std::future<void>()};
  return RunCommand(command, input, {.timeout = timeout});
}

}  // namespace

OwnPlugins::~OwnPlugins() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !is_kept_; });
}

std::shared_ptr<const void> OwnPlugins::FileOf(const std::filesystem::path& program) {
  auto found = Find(program);
  return found->is_own ? found : nullptr;
}

Result<RunOutput> OwnPlugins::Run(const Command& command, std::string_view input,
                                  std::chrono::milliseconds timeout, Beside beside) {
  const auto program = Find(command.program);
  auto server = program->is_own ? Take(*program, command.program) : nullptr;
  if (beside.may_begin) {
    if (auto may = beside.may_begin(); !may) {
      if (server != nullptr) GiveBack(program, std::move(server));
      return std::unexpected(std::move(may).error());
    }
  }
  if (server != nullptr) {
    const auto once = [&] { std::exchange(beside.meanwhile, {})(); };
    auto output =
        server->Run(command, input, timeout, beside.meanwhile ? once : std::function<void()>());
    if (output || output.error().code() == Code::kOutOfRange) GiveBack(program, std::move(server));
    if (output || !NothingHasBegun(output.error())) return output;
    if (output.error().code() == Code::kUnimplemented) ServeNoMore(*program, output.error());
  }
  return RunOnce(command, input, timeout, beside.meanwhile);
}

void OwnPlugins::ServeNoMore(Program& program, const Error& reason) {
  spdlog::info("plugin is loaded for each run reason=\"{}\"", reason.message());
  const std::scoped_lock lock(mutex_);
  program.can_serve = false;
}

// One that waits, or a new one; nothing where there can be none.
std::unique_ptr<RunServer> OwnPlugins::Take(Program& program, const std::filesystem::path& path) {
  std::vector<Idle> ended;  // without the lock
  {
    const std::scoped_lock lock(mutex_);
    while (!program.idle.empty()) {
      Idle last = std::move(program.idle.back());
      program.idle.pop_back();
      if (last.server->IsIdle()) return std::move(last.server);
      ended.push_back(std::move(last));
    }
    if (!program.can_serve) return nullptr;
  }
  auto started = RunServer::Start(path);
  return started ? std::move(*started) : nullptr;
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
  std::shared_ptr<Program> old;  // whose servers end without the lock
  const std::scoped_lock lock(mutex_);
  auto& program = programs_[path];
  if (program != nullptr && program->file == file) return program;
  old = std::exchange(program, nullptr);
  program = FindSame(file);
  if (program != nullptr) return program;
  program = std::make_shared<Program>();
  program->file = file;
  program->is_own = IsOwn(path);
  return program;
}

// The same program by another path: the plugins of a list.
std::shared_ptr<OwnPlugins::Program> OwnPlugins::FindSame(const File& file) const {
  for (const auto& [path, program] : programs_) {
    if (program != nullptr && program->is_own && program->file == file) return program;
  }
  return nullptr;
}

void OwnPlugins::GiveBack(const std::shared_ptr<Program>& program,
                          std::unique_ptr<RunServer> server) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || program->idle.size() >= kMostIdle || !BeginToKeep()) return;
  program->idle.push_back({std::move(server), Clock::now()});
}

// False when there can be no thread that ends what is idle.
bool OwnPlugins::BeginToKeep() {
  if (!is_kept_) is_kept_ = TryRunAside([this] { EndIdle(); });
  return is_kept_;
}

// Until there is none: one may be given back while others are ended.
void OwnPlugins::EndIdle() {
  std::unique_lock lock(mutex_);
  auto next = Clock::now();
  while (!stopping_ && next != Clock::time_point::max()) {
    changed_.wait_until(lock, next);
    std::vector<Idle> old = TakeOld(next);
    if (old.empty()) continue;
    lock.unlock();
    old.clear();
    lock.lock();
    next = Clock::now();
  }
  is_kept_ = false;
  changed_.notify_all();
}

// `next` becomes when to look again.
std::vector<OwnPlugins::Idle> OwnPlugins::TakeOld(Clock::time_point& next) {
  std::vector<Idle> old;
  next = Clock::time_point::max();
  for (const auto& [path, program] : programs_) {
    std::vector<Idle>& idle = program->idle;
    const auto since = Clock::now() - times_.idle;
    const auto young = std::ranges::find_if(idle, [&](const Idle& i) { return i.since > since; });
    std::move(idle.begin(), young, std::back_inserter(old));
    idle.erase(idle.begin(), young);
    if (!idle.empty()) next = std::min(next, idle.front().since + times_.idle);
  }
  return old;
}

}  // namespace trivet::network
