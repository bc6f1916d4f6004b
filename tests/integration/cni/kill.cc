#include "tests/integration/cni/kill.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::IsOk;

UniqueFd InputOf(const json::Value& conf) {
  UniqueFd fd(::memfd_create("stdin", MFD_CLOEXEC));
  EXPECT_THAT(WriteAll(fd.get(), json::Write(conf), "stdin"), IsOk());
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  return fd;
}

[[noreturn]] void RunTraced(const Command& command, int input) {
  std::vector<char*> environment;
  for (const std::string& variable : *command.environment) {
    environment.push_back(const_cast<char*>(variable.c_str()));
  }
  std::string unleaked = "ASAN_OPTIONS=detect_leaks=0";  // which cannot work under ptrace
  environment.push_back(unleaked.data());
  environment.push_back(nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(input, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(null, STDERR_FILENO);
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  char* arguments[] = {const_cast<char*>(command.program.c_str()), nullptr};
  ::execve(command.program.c_str(), arguments, environment.data());
  ::_exit(127);
}

// A task stops at entry and at exit of each system call; the first is told as true.
bool EntersSystemCall(int status, pid_t task, std::set<pid_t>& inside) {
  if (WSTOPSIG(status) != (SIGTRAP | 0x80)) return false;
  if (inside.erase(task) == 1) return false;
  inside.insert(task);
  return true;
}

struct Traced {
  End end = End::kKilled;
  int calls = 0;
};

// `at`: the call to kill it at; none for 0.
Traced Trace(const Command& command, const json::Value& conf, int at) {
  const UniqueFd input = InputOf(conf);
  const pid_t pid = ::fork();
  if (pid == 0) RunTraced(command, input.get());
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
  std::set<pid_t> inside;
  Traced traced;
  for (;;) {
    const pid_t task = ::waitpid(-1, &status, __WALL);
    if (task < 0) return traced;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (task != pid) continue;
      if (WIFSIGNALED(status)) return traced;
      EXPECT_EQ(WEXITSTATUS(status), 0);
      traced.end = End::kSucceeded;
      return traced;
    }
    if (EntersSystemCall(status, task, inside) && ++traced.calls == at) ::kill(pid, SIGKILL);
    ::ptrace(PTRACE_SYSCALL, task, nullptr, nullptr);
  }
}

}  // namespace

int KillStride() {
  constexpr int kOfSanitizers = 61;
  return testing::ProgramsAreSanitized() ? kOfSanitizers : 1;
}

int LongKillStride() {
  constexpr int kOfIntegration = 3;
  const char* const asked = std::getenv("TRIVET_KILL_STRIDE");
  if (asked != nullptr) return std::atoi(asked);
  return KillStride() * kOfIntegration;
}

End KillAtSystemCall(const Command& command, const json::Value& conf, int at) {
  return Trace(command, conf, at).end;
}

int CountSystemCalls(const Command& command, const json::Value& conf) {
  const Traced traced = Trace(command, conf, 0);
  EXPECT_EQ(traced.end, End::kSucceeded);
  return traced.calls;
}

}  // namespace trivet::cni
