// The compiled table in the real kernel.

#include "netpolicy/nft/table.h"

#include <linux/netfilter.h>

#include "common/linux/command.h"
#include "netpolicy/nft/rules.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/unit/netpolicy/cluster.h"
#include "tests/unit/netpolicy/random_world.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using testing::IsOk;

class NftTableTest : public testing::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto table = NftTable::Open();
    ASSERT_THAT(table, IsOk());
    table_.emplace(*std::move(table));
  }
  static Result<> DeleteChainsElement(const Ruleset& ruleset, const char* set) {
    nft::Transaction transaction({NFPROTO_INET, kTableName});
    const SetContent& content = ruleset.sets.at(set);
    transaction.DeleteElements(content.set, content.elements);
    return std::move(transaction).Commit();
  }

  static void ReplaceLastRule(const std::string& chain) {
    const std::string handle = RunTool("nft -a list chain inet trivet_policy " + chain +
                                       " | sed -n 's/.*# handle //p' | tail -1");
    RunTool("nft replace rule inet trivet_policy " + chain + " handle " + handle + " accept");
  }
  static std::string RunTool(const std::string& script) {
    const auto run = RunCommand({.program = "/bin/sh", .args = {"-c", script}});
    EXPECT_THAT(run, IsOk());
    EXPECT_EQ(run->exit_code, 0) << script << ": " << run->err;
    return run->out.substr(0, run->out.find('\n'));
  }

  std::optional<NftTable> table_;
};

TEST_F(NftTableTest, TakesEveryRandomWorldAndEveryStepBetween) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    RandomWorld random(seed);
    Ruleset actual = Compile(random.world());
    ASSERT_THAT(table_->Replace(actual), IsOk()) << seed;
    ASSERT_THAT(table_->Verify(actual), IsOk()) << seed;
    for (int step = 0; step < 5; ++step) {
      random.Mutate();
      Ruleset desired = Compile(random.world());
      const Plan plan = MakePlan(desired, actual);
      if (plan.empty()) continue;
      ASSERT_THAT(table_->Apply(plan, desired), IsOk()) << seed << " " << step;
      ASSERT_THAT(table_->Verify(desired), IsOk()) << seed << " " << step;
      actual = std::move(desired);
    }
  }
}

TEST_F(NftTableTest, FindsAnElementThatIsGone) {
  const Cluster cluster;
  const Ruleset ruleset =
      Compile({cluster, {{.pod = {"n", "a"}, .addresses = {At("10.0.0.1")}}}, {}});
  ASSERT_THAT(table_->Replace(ruleset), IsOk());
  ASSERT_THAT(DeleteChainsElement(ruleset, fixed_sets::kIngress4), IsOk());
  EXPECT_THAT(table_->Verify(ruleset), FailsWith(Code::kDataLoss, "set ingress4"));
}

// By an accept of everything: as many rules in the chain as before.
TEST_F(NftTableTest, FindsARuleThatIsReplacedInAnyChain) {
  const Ruleset ruleset = Compile({Cluster(), {}, {}});
  for (const char* chain : {kDenyChain, kForwardChain, kFromPodChain, kToPodChain}) {
    ASSERT_THAT(table_->Replace(ruleset), IsOk());
    ASSERT_THAT(table_->Verify(ruleset), IsOk());
    ReplaceLastRule(chain);
    EXPECT_THAT(table_->Verify(ruleset),
                FailsWith(Code::kDataLoss, std::string("rules of chain ") + chain));
  }
}

TEST_F(NftTableTest, FindsThatTheForwardChainIsElsewhere) {
  const Ruleset ruleset = Compile({Cluster(), {}, {}});
  ASSERT_THAT(table_->Replace(ruleset), IsOk());
  nft::Transaction transaction({NFPROTO_INET, kTableName});
  nft::FilledChain forward = FixedChains().back();
  transaction.DeleteChain(kForwardChain);
  forward.chain.hook->priority = 300;
  transaction.AddChain(forward.chain);
  for (const nft::Rule& rule : forward.rules) transaction.AddRule(kForwardChain, rule);
  ASSERT_THAT(std::move(transaction).Commit(), IsOk());
  EXPECT_THAT(table_->Verify(ruleset), FailsWith(Code::kDataLoss, "hook of chain forward"));
}

TEST_F(NftTableTest, TellsOthersChangesFromItsOwn) {
  const Cluster cluster;
  const Ruleset ruleset =
      Compile({cluster, {{.pod = {"n", "a"}, .addresses = {At("10.0.0.1")}}}, {}});
  ASSERT_THAT(table_->Replace(ruleset), IsOk());
  EXPECT_FALSE(*table_->TakeDisturbance());
  ASSERT_THAT(DeleteChainsElement(ruleset, fixed_sets::kIngress4), IsOk());
  ASSERT_THAT(table_->Replace(ruleset), IsOk());
  EXPECT_TRUE(*table_->TakeDisturbance()) << "although a change of its own came after";
  EXPECT_FALSE(*table_->TakeDisturbance());
}

TEST_F(NftTableTest, IsRemovedRepeatedly) {
  ASSERT_THAT(table_->Replace(Compile({Cluster(), {}, {}})), IsOk());
  EXPECT_THAT(table_->Remove(), IsOk());
  EXPECT_THAT(table_->Remove(), IsOk());
}

}  // namespace
}  // namespace trivet::netpolicy
