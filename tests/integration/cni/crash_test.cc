// kill -9 at every system call of DEL: a second DEL, GC, or the next ADD finishes it.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::IsOk;

#ifdef __SANITIZE_ADDRESS__
constexpr int kStride = 23;  // a sanitizer's own system calls are many, and each run is slow
#else
constexpr int kStride = 1;
#endif

class CrashTest : public PluginTest {
 protected:
  enum class End { kKilled, kSucceeded };

  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
  }

  static UniqueFd InputOf(const json::Value& conf) {
    UniqueFd fd(::memfd_create("stdin", MFD_CLOEXEC));
    EXPECT_THAT(WriteAll(fd.get(), json::Write(conf), "stdin"), IsOk());
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
    return fd;
  }

  /// Runs a verb and kills it as it enters its system call number `at`, all threads counted.
  End KillAtSystemCall(const std::string& verb, int at);
  /// What a runtime may do next; each must bring the node back to where it was.
  void Recover(int way);

  Pod pod_;
};

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

CrashTest::End CrashTest::KillAtSystemCall(const std::string& verb, int at) {
  const Command command = CommandFor(verb, pod_);
  const UniqueFd input = InputOf(Conf());
  const pid_t pid = ::fork();
  if (pid == 0) RunTraced(command, input.get());
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
  std::set<pid_t> inside;
  for (int calls = 0;;) {
    const pid_t task = ::waitpid(-1, &status, __WALL);
    if (task < 0) return End::kKilled;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (task != pid) continue;
      if (WIFSIGNALED(status)) return End::kKilled;
      EXPECT_EQ(WEXITSTATUS(status), 0) << verb;
      return End::kSucceeded;
    }
    if (EntersSystemCall(status, task, inside) && ++calls == at) ::kill(pid, SIGKILL);
    ::ptrace(PTRACE_SYSCALL, task, nullptr, nullptr);
  }
}

void CrashTest::Recover(int way) {
  switch (way % 3) {
    case 0:
      EXPECT_THAT(Del(pod_, Conf(), {{"CNI_NETNS", ""}}), Succeeds());
      break;
    case 1:
      EXPECT_THAT(Gc(Conf(), {}), Succeeds());
      break;
    default: {
      // The runtime does not know how far the first had come.
      Answer answer = Add(pod_, Conf());
      if (answer.code() == 101) {
        EXPECT_THAT(Del(pod_, Conf()), Succeeds());
        answer = Add(pod_, Conf());
      }
      EXPECT_THAT(answer, Succeeds());
      EXPECT_THAT(Check(pod_, Conf(), answer.value), Succeeds());
      EXPECT_THAT(Del(pod_, Conf()), Succeeds());
    }
  }
}

class KillTest : public CrashTest, public ::testing::WithParamInterface<int> {
 protected:
  /// Every third system call, and after each the test's way to recover.
  void RecoverFromEachKill(const std::string& verb) {
    Added(pod_, Conf());  // a node that had a pod before: its state folder is there
    EXPECT_THAT(Del(pod_, Conf()), Succeeds());
    for (int at = 1 + GetParam();; at += 3 * kStride) {
      if (verb == "DEL") Added(pod_, Conf());
      const End end = KillAtSystemCall(verb, at);
      Recover(GetParam());
      EXPECT_FALSE(HasLink("eth0", pod_));
      ExpectNothingLeft(fmt::format("after {} was killed at system call {}", verb, at));
      if (end == End::kSucceeded || HasFailure()) {
        EXPECT_GT(at, 100) << "system calls until the end";
        return;
      }
    }
  }
};

std::string WayName(const ::testing::TestParamInfo<int>& way) {
  const std::array<const char*, 3> names{"ByDel", "ByGc", "ByAnotherAdd"};
  return names.at(static_cast<size_t>(way.param));
}
INSTANTIATE_TEST_SUITE_P(Recovery, KillTest, ::testing::Values(0, 1, 2), WayName);

TEST_P(KillTest, ADelThatIsKilledAtAnySystemCallIsFinished) {
  RecoverFromEachKill("DEL");
}

}  // namespace
}  // namespace trivet::cni
