// kill -9 at every system call of DEL: a second DEL, GC, or the next ADD finishes it.
#include <array>

#include "tests/integration/cni/kill.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

class CrashTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
  }

  /// What a runtime may do next; each must bring the node back to where it was.
  void Recover(int way);

  Pod pod_;
};

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
    for (int at = 1 + GetParam();; at += 3 * kKillStride) {
      if (verb == "DEL") Added(pod_, Conf());
      const End end = KillAtSystemCall(CommandFor(verb, pod_), Conf(), at);
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
