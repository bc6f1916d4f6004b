// kill -9 at the system calls of ADD and of DEL: DEL, GC or the next ADD makes it good.
#include <array>

#include "tests/integration/cni/kill.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

// What the dynamic loader does until then leaves nothing.
constexpr int kLoaderCalls = 40;
constexpr int kWays = 3;

struct Kill {
  const char* type;
  const char* verb;
  int way;                // to make it good
  bool prepared = false;  // a PREPARE was before
};

class KillTest : public PluginTest, public ::testing::WithParamInterface<Kill> {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
  }

  [[nodiscard]] json::Value KilledConf() const {
    json::Value conf = Conf();
    if (std::string_view(GetParam().type) == "bridge") return conf;
    conf["type"] = "ptp";
    conf["mode"] = "routed";
    for (const char* key : {"bridge", "isGateway", "ephemeralBridge"}) conf.erase(key);
    conf["ipam"].erase("routes");
    return conf;
  }

  /// What a runtime may do next; each must bring the node back to where it was.
  void Recover(const json::Value& conf);

  Pod pod_;
};

void KillTest::Recover(const json::Value& conf) {
  switch (GetParam().way) {
    case 0:
      EXPECT_THAT(Del(pod_, conf, {{"CNI_NETNS", ""}}), Succeeds());
      break;
    case 1:
      EXPECT_THAT(Gc(conf, {}), Succeeds());
      break;
    default: {
      // The runtime does not know how far the first had come.
      Answer answer = Add(pod_, conf);
      if (answer.code() == 101) {
        EXPECT_THAT(Del(pod_, conf), Succeeds());
        answer = Add(pod_, conf);
      }
      EXPECT_THAT(answer, Succeeds());
      EXPECT_THAT(Check(pod_, conf, answer.value), Succeeds());
      EXPECT_THAT(Del(pod_, conf), Succeeds());
    }
  }
}

// Each way for a third of the system calls; all ways together for each of them where the stride is
// one.
TEST_P(KillTest, LeavesNothingThatIsNotMadeGood) {
  const json::Value conf = KilledConf();
  const std::string verb = GetParam().verb;
  Added(pod_, conf);  // a node that had a pod before: its state folder is there
  EXPECT_THAT(Del(pod_, conf), Succeeds());
  for (int at = kLoaderCalls + GetParam().way;; at += kWays * LongKillStride()) {
    if (verb == "DEL") Added(pod_, conf);
    if (GetParam().prepared) {
      EXPECT_THAT(Run("PREPARE", pod_, conf), Succeeds());
    }
    const End end = KillAtSystemCall(CommandFor(verb, pod_), conf, at);
    Recover(conf);
    EXPECT_FALSE(HasLink("eth0", pod_));
    ExpectNothingLeft(fmt::format("after {} was killed at system call {}", verb, at));
    if (end == End::kSucceeded || HasFailure()) {
      EXPECT_GT(at, kLoaderCalls + 40) << "system calls until the end";
      return;
    }
  }
}

std::vector<Kill> Kills() {
  std::vector<Kill> kills;
  for (const char* type : {"bridge", "ptp"}) {
    for (const char* verb : {"ADD", "DEL"}) {
      for (int way = 0; way < kWays; ++way) kills.push_back({type, verb, way});
    }
  }
  // Not by GC: until it is recorded the pair is that of an ADD to come.
  for (const int way : {0, 2}) kills.push_back({"ptp", "ADD", way, true});
  return kills;
}

std::string KillName(const ::testing::TestParamInfo<Kill>& test) {
  const std::array<const char*, kWays> names{"ByDel", "ByGc", "ByAnotherAdd"};
  return fmt::format("{}{}{}{}", test.param.type, test.param.prepared ? "Prepared" : "",
                     test.param.verb, names.at(static_cast<size_t>(test.param.way)));
}
INSTANTIATE_TEST_SUITE_P(Of, KillTest, ::testing::ValuesIn(Kills()), KillName);

}  // namespace
}  // namespace trivet::cni
