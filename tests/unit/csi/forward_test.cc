// Choosing a node, merging lists and reading endpoints, without a node.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "csi/forward/endpoints.h"
#include "csi/forward/pages.h"
#include "csi/forward/placement.h"
#include "csi/service/plugin.h"
#include "csi/volume/volume_id.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;

::csi::v1::TopologyRequirement RequirementOf(const std::vector<std::string>& requisite,
                                             const std::vector<std::string>& preferred) {
  ::csi::v1::TopologyRequirement requirement;
  for (const auto& node : requisite) *requirement.add_requisite() = TopologyOf(node);
  for (const auto& node : preferred) *requirement.add_preferred() = TopologyOf(node);
  return requirement;
}

std::vector<std::string> NodesIn(const std::vector<Candidate>& candidates) {
  std::vector<std::string> nodes;
  for (const Candidate& one : candidates) nodes.push_back(one.node + (one.preferred ? "!" : ""));
  return nodes;
}

TEST(Placement, PreferredNodesAreAskedFirstAndUnknownOnesNot) {
  EXPECT_THAT(NodesIn(CandidatesOf({"a", "b", "c"}, RequirementOf({"a", "b", "x"}, {"b", "x"}))),
              ElementsAre("b!", "a", "b"));
}

TEST(Placement, PreferencesAloneLeaveNoNodeOut) {
  EXPECT_THAT(NodesIn(CandidatesOf({"a", "b"}, RequirementOf({}, {"b"}))),
              ElementsAre("b!", "a", "b"));
  EXPECT_THAT(NodesIn(CandidatesOf({"a", "b"}, {})), ElementsAre("a", "b"));
}

TEST(Placement, ATermWithoutANodeIsAskedOfAll) {
  ::csi::v1::TopologyRequirement requirement;
  (*requirement.add_requisite()->mutable_segments())["topology.csi.trivet.dev/pool-x"] = "true";
  EXPECT_THAT(NodesIn(CandidatesOf({"a", "b"}, requirement)), ElementsAre("a", "b"));
  EXPECT_TRUE(Allows(requirement, "a"));
}

TEST(Placement, TakesThePreferredOnesInOrderThenTheRoomiest) {
  const auto chosen = Choose({{"p", 5, true},
                              {"q", 50, true},
                              {"r", 9, true},
                              {"s", 70, false},
                              {"t", 90, false},
                              {"q", 50, false}},
                             9);
  ASSERT_THAT(chosen, IsOk());
  EXPECT_THAT(*chosen, ElementsAre("q", "r", "t", "s"));
}

TEST(Placement, SaysWhatEachNodeHasWhenNoneHasEnough) {
  const auto chosen = Choose({{"a", 5, false}, {"b", 0, false}}, 9);
  EXPECT_THAT(chosen, FailsWith(Code::kResourceExhausted, "no node has 9 bytes: a has 5, b has 0"));
  EXPECT_THAT(Choose({{"a", 0, true}}, 0), FailsWith(Code::kResourceExhausted, "no node"));
  EXPECT_THAT(Choose({}, 0), FailsWith(Code::kResourceExhausted, "no node"));
}

TEST(Pages, ATokenIsAPlaceThatStaysWhenItsEntryIsGone) {
  const std::vector<PlacedEntry<int>> all = {
      {{"v-1", "b"}, 1}, {{"v-3", "a"}, 3}, {{"v-2", "a"}, 2}, {{"v-2", "b"}, 22}};
  const auto [first, next] = MakePage(all, {}, 2);
  EXPECT_THAT(first, ElementsAre(1, 2));
  EXPECT_EQ(next, (ListPlace{"v-2", "b"}));
  const auto [rest, end] = MakePage(all, next, 2);
  EXPECT_THAT(rest, ElementsAre(22, 3));
  EXPECT_EQ(TokenOf(end), "");
  const auto [without, end_without] = MakePage<int>({{{"v-3", "a"}, 3}}, next, 2);
  EXPECT_THAT(without, ElementsAre(3));
}

TEST(Pages, WithoutALimitAllIsOnePage) {
  const auto [all, next] = MakePage<int>({{{"v-2", "a"}, 2}, {{"v-1", "b"}, 1}}, {}, 0);
  EXPECT_THAT(all, ElementsAre(1, 2));
  EXPECT_EQ(EntriesToAsk(0), 0);
  EXPECT_GT(EntriesToAsk(5), 5);
  EXPECT_GT(EntriesToAsk(INT32_MAX), 0);
}

TEST(Pages, RefusesATokenThatNoAnswerHeld) {
  const std::string id = VolumeIdOf("v");
  const auto place = ParseToken(TokenOf({id, "node-1"}), IsVolumeId);
  ASSERT_THAT(place, IsOk());
  EXPECT_EQ(*place, (ListPlace{id, "node-1"}));
  for (const std::string token : {"x", "/", "v-1/a", id.c_str()}) {
    EXPECT_THAT(ParseToken(token, IsVolumeId), FailsWith(Code::kAborted, "starting_token"))
        << token;
  }
}

TEST(Endpoints, AreReadFromLinesWithComments) {
  const auto parsed =
      ParseEndpoints(EntriesOf("# nodes\n\n a=host:1 \r\nb=unix:/run/b.sock\nc=[::1]:9\n"));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(*parsed, (Endpoints{{"a", "host:1"}, {"b", "unix:/run/b.sock"}, {"c", "[::1]:9"}}));
  EXPECT_THAT(EntriesOf(" \n#a=b:1"), IsEmpty());
}

TEST(Endpoints, RefusesWhatIsNoNodeOrNoAddress) {
  for (const char* entry : {"a", "=h:1", "a=", "a=h", "a=h:0", "a=h:65536", "a=:1", "a=dns:///h:1",
                            "a=unix:run.sock", "-=h:1", "a=h:1x"}) {
    EXPECT_THAT(ParseEndpoints({entry}), FailsWith(Code::kInvalidArgument, "node endpoint"))
        << entry;
  }
  EXPECT_THAT(ParseEndpoints({"a=h:1", "a=h:2"}),
              FailsWith(Code::kInvalidArgument, "node endpoint"));
}

}  // namespace
}  // namespace trivet::csi
