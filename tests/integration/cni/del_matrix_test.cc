// DEL in every combination of what a runtime may have lost: nothing is left of any.
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

enum class Netns { kThere, kGone, kNotTold };

// netns, prevResult is told, the attachment's record is there, the interface is there
using Lost = std::tuple<Netns, bool, bool, bool>;

class DelMatrixTest : public PluginTest, public ::testing::WithParamInterface<Lost> {};

TEST_P(DelMatrixTest, LeavesNothingAndMayBeRepeated) {
  const auto [netns, told, recorded, interface] = GetParam();
  const Pod pod = MakePod("c1");
  const Pod other = MakePod("c2");
  const json::Value result = Added(pod, Conf());
  const json::Value kept = Added(other, Conf());
  if (!recorded) std::filesystem::remove(state() / "attachments/testnet@c1@eth0.json");
  if (!interface) Tell("/usr/sbin/ip", {"-n", pod.id, "link", "delete", "eth0"});
  if (netns == Netns::kGone) RemoveNetns(pod);
  json::Value conf = Conf();
  if (told) conf["prevResult"] = result;
  const Variables variables = netns == Netns::kNotTold ? Variables{{"CNI_NETNS", ""}} : Variables{};

  for (int repeated = 0; repeated < 2; ++repeated) {
    EXPECT_THAT(Del(pod, conf, variables), Succeeds());
  }

  EXPECT_FALSE(HasLink(result["interfaces"][1]["name"]));
  EXPECT_THAT(Check(other, Conf(), kept), Succeeds());
  EXPECT_THAT(Del(other, Conf()), Succeeds());
  ExpectNothingLeft("after DEL");
}

std::string LostName(const ::testing::TestParamInfo<Lost>& test) {
  constexpr std::array<const char*, 3> kNetns{"NetnsThere", "NetnsGone", "NetnsNotTold"};
  const auto [netns, told, recorded, interface] = test.param;
  return std::string(kNetns[static_cast<size_t>(netns)]) + (told ? "" : "NoPrevResult") +
         (recorded ? "" : "NoRecord") + (interface ? "" : "NoInterface");
}

INSTANTIATE_TEST_SUITE_P(
    Lost, DelMatrixTest,
    ::testing::Combine(::testing::Values(Netns::kThere, Netns::kGone, Netns::kNotTold),
                       ::testing::Bool(), ::testing::Bool(), ::testing::Bool()),
    LostName);

}  // namespace
}  // namespace trivet::cni
