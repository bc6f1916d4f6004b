#include "netpolicy/plan/plan.h"

#include <gmock/gmock.h>

#include "tests/unit/netpolicy/cluster.h"
#include "tests/unit/netpolicy/random_world.h"

namespace trivet::netpolicy {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kWorlds = 150;
constexpr int kSteps = 6;

TEST(MakePlan, IsEmptyForWhatIsThereAlready) {
  for (uint32_t seed = 0; seed < kWorlds; ++seed) {
    const RandomWorld random(seed);
    const Ruleset ruleset = Compile(random.world());
    EXPECT_TRUE(MakePlan(ruleset, ruleset).empty()) << seed;
    EXPECT_TRUE(MakePlan(Compile(random.world()), ruleset).empty()) << seed;
  }
}

TEST(MakePlan, LeadsStepByStepToWhatAWholeRebuildGives) {
  for (uint32_t seed = 0; seed < kWorlds; ++seed) {
    RandomWorld random(seed);
    Ruleset kernel = Compile(random.world());
    for (int step = 0; step < kSteps; ++step) {
      random.Mutate();
      const Ruleset desired = Compile(random.world());
      const Plan plan = MakePlan(desired, kernel);
      kernel = Applied(plan, desired, std::move(kernel));
      ASSERT_TRUE(Same(kernel, desired)) << "seed " << seed << " step " << step;
      ASSERT_TRUE(MakePlan(desired, kernel).empty()) << "seed " << seed << " step " << step;
    }
  }
}

TEST(MakePlan, KeepsAChainWithoutRulesBecauseItDeniesEverything) {
  Ruleset desired;
  desired.chains["ingress_1"] = {};
  const Plan plan = MakePlan(desired, {});
  EXPECT_THAT(plan.chains_to_add, ElementsAre("ingress_1"));
  EXPECT_TRUE(MakePlan(desired, desired).empty());
}

TEST(MakePlan, TouchesOnlyTheElementsThatChanged) {
  const nft::Element one{.key = "\x0a"};
  const nft::Element two{.key = "\x0b"};
  const nft::Element three{.key = "\x0c"};
  Ruleset actual;
  Ruleset desired;
  actual.sets["s"].elements = {one, two};
  desired.sets["s"].elements = {two, three};
  const Plan plan = MakePlan(desired, actual);
  EXPECT_THAT(plan.elements_to_delete.at("s"), ElementsAre(one));
  EXPECT_THAT(plan.elements_to_add.at("s"), ElementsAre(three));
  EXPECT_TRUE(plan.sets_to_add.empty());
}

// A map's element refers to its chain: the kernel refuses to delete one that is referred to.
TEST(MakePlan, MovesPodsToTheirNewChain) {
  Ruleset actual;
  Ruleset desired;
  actual.sets["m"].elements = {{.key = "\x0a", .verdict = nft::Verdict{-4, "old"}}};
  desired.sets["m"].elements = {{.key = "\x0a", .verdict = nft::Verdict{-4, "new"}}};
  actual.chains["old"] = {};
  desired.chains["new"] = {};
  const Plan plan = MakePlan(desired, actual);
  EXPECT_EQ(plan.elements_to_delete.at("m").size(), 1U);
  EXPECT_EQ(plan.elements_to_add.at("m").size(), 1U);
  EXPECT_THAT(plan.chains_to_delete, ElementsAre("old"));
}

// Two programs of the same rules: what the compiled table does and what the policies say.
TEST(Compile, DoesWhatTheExplanationSaysInRandomWorlds) {
  for (uint32_t seed = 0; seed < 2 * kWorlds; ++seed) {
    RandomWorld random(seed);
    const World world = random.world();
    const AddressBook addresses(world);
    const Ruleset ruleset = Compile(world);
    for (int i = 0; i < 60; ++i) {
      Connection connection{random.SomeAddress(), random.SomeAddress(),
                            i % 3 == 0 ? Protocol::kUdp : Protocol::kTcp,
                            static_cast<uint16_t>(79 + i % 7)};
      if (connection.from.is_ipv6() != connection.to.is_ipv6()) continue;
      const Verdict verdict = Judge(world, addresses, connection);
      const bool here = (verdict.egress.allowed || !verdict.egress.decided_here) &&
                        (verdict.ingress.allowed || !verdict.ingress.decided_here);
      ASSERT_EQ(Passes(ruleset, connection), here)
          << "seed " << seed << " " << connection.from.ToString() << " -> "
          << connection.to.ToString() << ":" << connection.port << "/"
          << NameOf(connection.protocol) << "\negress " << verdict.egress.end << " "
          << verdict.egress.reason << "\ningress " << verdict.ingress.end << " "
          << verdict.ingress.reason;
    }
  }
}

}  // namespace
}  // namespace trivet::netpolicy
