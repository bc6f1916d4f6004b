#include "common/linux/nftables_frame.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet::nft {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;

const Table kFramed{NFPROTO_INET, "trivet_framed"};
const Set kSources{.name = "sources", .key = {Type::kIpv4Address}};
const Set kTargets{.name = "targets",
                   .key = {Type::kProtocol, Type::kService},
                   .value = {Type::kIpv4Address, Type::kService}};
const Set kWays{.name = "ways", .key = {Type::kIpv4Address}, .verdicts = true};

constexpr uint32_t kSourceOffset = 12;  // of IPv4

class NftablesFrameTest : public testing::NamespaceTest {
 protected:
  /// Every kind of expression.
  static Frame MakeFrame() {
    Frame frame{.table = kFramed, .sets = {kSources, kTargets, kWays}, .chains = {}};
    FilledChain& side = frame.chains.emplace_back();
    side.chain.name = "side";
    side.rules.emplace_back().Decide({.code = NFT_RETURN, .chain = {}});
    FilledChain& out = frame.chains.emplace_back();
    out.chain = {.name = "out",
                 .hook = Hook{.type = "nat", .number = NF_INET_POST_ROUTING, .priority = 100},
                 .comment = "not compared"};
    const Bytes mask("\xff\xff\0\0", 4);
    out.rules.emplace_back()
        .Meta(NFT_META_NFPROTO)
        .Equal(Bytes(1, NFPROTO_IPV4))
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, kSourceOffset, 4)
        .Lookup(kSources.name)
        .Bitwise(mask, Bytes(4, '\0'))
        .NotEqual(Bytes("\x0a\x01\0\0", 4))
        .Masquerade();
    out.rules.emplace_back()
        .Ct(NFT_CT_STATE)
        .LookupNot(kSources.name)
        .Meta(NFT_META_MARK)
        .SetMark();
    out.rules.emplace_back()
        .CtTuple(NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL, 5)
        .LookupVerdict(kWays.name, 5);
    FilledChain& in = frame.chains.emplace_back();
    in.chain = {.name = "in",
                .hook = Hook{.type = "nat", .number = NF_INET_PRE_ROUTING, .priority = -100},
                .comment = {}};
    in.rules.emplace_back()
        .FibDestinationType()
        .Equal(Bytes(4, '\2'))
        .Decide({.code = NFT_JUMP, .chain = "side"});
    in.rules.emplace_back()
        .Meta(NFT_META_L4PROTO)
        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, 1)
        .LookupValue(kTargets.name, 0, 8)
        .DestinationNat(NFPROTO_IPV4, 8, 9);
    return frame;
  }
  static std::vector<std::string> TextsOf(const FilledChain& filled) {
    std::vector<std::string> texts;
    for (const Rule& rule : filled.rules) texts.push_back(rule.Text());
    return texts;
  }
  static Element Address(char last) { return {.key = Bytes("\x0a\x01\0", 3) + last}; }
  static void AddSource(Transaction& transaction, char last) {
    const Element element = Address(last);
    transaction.AddElements(kSources, {&element, 1}, Existing::kIsKept);
  }
};

TEST_F(NftablesFrameTest, TheKernelTellsRulesAsTheyWereWritten) {
  const Frame frame = MakeFrame();
  ASSERT_THAT(CommitWithin(frame, [](Transaction&) {}), IsOk());

  const auto rules = ReadRules(kFramed, {});

  ASSERT_THAT(rules, IsOk());
  for (const FilledChain& filled : frame.chains) {
    EXPECT_EQ(rules->at(filled.chain.name), TextsOf(filled));
    const auto chain = FindChain(kFramed, filled.chain.name);
    ASSERT_THAT(chain, IsOk());
    EXPECT_EQ((*chain)->hook, filled.chain.hook);
  }
}

TEST_F(NftablesFrameTest, FillsAStandingFrameAndOneThatIsNot) {
  for (char last = 1; last < 4; ++last) {
    ASSERT_THAT(CommitWithin(MakeFrame(), [&](Transaction& t) { AddSource(t, last); }), IsOk());
  }

  EXPECT_THAT(*ReadElements(kFramed, kSources), ElementsAre(Address(1), Address(2), Address(3)));
}

TEST_F(NftablesFrameTest, MakesWhatIsTakenAwayBetweenTheLookAndTheCommit) {
  ASSERT_THAT(CommitWithin(MakeFrame(), [](Transaction& t) { AddSource(t, 1); }), IsOk());
  int calls = 0;

  EXPECT_THAT(CommitWithin(MakeFrame(),
                           [&](Transaction& t) {
                             AddSource(t, 2);
                             if (++calls > 1) return;
                             Transaction other(kFramed);
                             other.DeleteTable();
                             EXPECT_THAT(std::move(other).Commit(), IsOk());
                           }),
              IsOk());

  EXPECT_EQ(calls, 2);
  EXPECT_THAT(*ReadElements(kFramed, kSources), ElementsAre(Address(2)));
  EXPECT_EQ(ReadRules(kFramed, "in")->at("in").size(), 2U);
}

TEST_F(NftablesFrameTest, RefusesAnElementThatIsThereWhetherTheFrameStandsOrNot) {
  const auto add_new = [](Transaction& t) {
    const Element element = Address(1);
    t.AddElements(kSources, {&element, 1});
  };
  ASSERT_THAT(CommitWithin(MakeFrame(), add_new), IsOk());
  EXPECT_THAT(CommitWithin(MakeFrame(), add_new), FailsWith(Code::kAlreadyExists, "set sources"));
  Transaction altering(kFramed);
  altering.FlushChain("in");
  ASSERT_THAT(std::move(altering).Commit(), IsOk());

  EXPECT_THAT(CommitWithin(MakeFrame(), add_new), FailsWith(Code::kAlreadyExists, "set sources"));
  EXPECT_THAT(*ReadRules(kFramed, "in"), IsEmpty());
  EXPECT_THAT(CommitWithin(MakeFrame(), [](Transaction&) {}), IsOk());
  EXPECT_EQ(ReadRules(kFramed, "in")->at("in").size(), 2U);
}

}  // namespace
}  // namespace trivet::nft
