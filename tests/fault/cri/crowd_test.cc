#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <regex>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

constexpr int kPods = 50;
constexpr int kRestarts = 50;

class CrowdTest : public CriTest {
 protected:
  // A container that counts, slowly: hundreds of them share the machine.
  std::string StartCounter(int number) {
    const std::string name = fmt::format("pod{}", number);
    return MustStart(MustRunPod(name), ShellConfig(name,
                                                   "i=0; until [ -e /dev/shm/stop ]; do echo n $i; "
                                                   "i=$((i+1)); sleep 0.5; done; echo the end $i"));
  }

  // The numbers in a log must be 0, 1, 2, … and as many as its last line says.
  static void ExpectWhole(const std::string& log) {
    const std::regex line(" stdout F (n|the end) ([0-9]+)\n");
    int expected = 0;
    bool ended = false;
    for (std::sregex_iterator match(log.begin(), log.end(), line), end; match != end; ++match) {
      ASSERT_EQ(std::stoi((*match)[2].str()), expected);
      ended = (*match)[1].str() == "the end";
      if (!ended) ++expected;
    }
    EXPECT_TRUE(ended) << "the last line is missing";
  }
};

TEST_F(CrowdTest, LosesNoPodAndNoLineOverFiftyRestartsOfTheDaemon) {
  std::vector<std::string> counters;
  for (int i = 0; i < kPods; ++i) counters.push_back(StartCounter(i));
  ASSERT_FALSE(HasFailure());

  for (int i = 0; i < kRestarts; ++i) {
    daemon_->Kill();
    StartDaemon();
    ASSERT_FALSE(HasFatalFailure());
  }

  for (const std::string& id : counters) {
    EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_RUNNING);
    EXPECT_EQ(MustExec(id, "echo still here"), "still here");
    v1::ExecSyncResponse ended;  // maybe with the container, which looks for the file all the time
    EXPECT_THAT(Exec(id, {"/bin/touch", "/dev/shm/stop"}, &ended), IsRpcOk());
  }
  for (const std::string& id : counters) {
    const v1::ContainerStatus status = AwaitEnd(id);
    EXPECT_EQ(status.exit_code(), 0);
    ExpectWhole(*ReadFile(status.log_path()));
  }
}

TEST_F(CrowdTest, ListsAnswerWhileAPodIsStuck) {
  const std::string pod = MustRunPod("stuck");
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  const int shim = std::stoi(*ReadFile(folders_.run / "shims" / pod / "pid"));
  ASSERT_EQ(::kill(shim, SIGSTOP), 0);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_RUNNING);
    EXPECT_EQ(PodStatusOf(pod).state(), v1::SANDBOX_READY);
  }
  const std::string other = MustRunPod("other");
  EXPECT_EQ(MustExec(MustStart(other, ShellConfig("c2", "sleep 1000")), "echo fine"), "fine");
  ASSERT_EQ(::kill(shim, SIGCONT), 0);
  EXPECT_EQ(MustExec(id, "echo back"), "back");
}

}  // namespace
}  // namespace trivet::testing
