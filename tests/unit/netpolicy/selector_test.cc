#include "netpolicy/model/selector.h"

#include <gtest/gtest.h>

namespace trivet::netpolicy {
namespace {

using Operator = Selector::Operator;

struct Row {
  const char* name;
  Selector selector;
  Labels labels;
  bool matches;
};

class SelectorMatches : public ::testing::TestWithParam<Row> {};

TEST_P(SelectorMatches, AsKubernetesSays) {
  EXPECT_EQ(GetParam().selector.Matches(GetParam().labels), GetParam().matches);
}

Selector Where(Operator op, std::vector<std::string> values = {}) {
  return {.match_expressions = {{"key", op, std::move(values)}}};
}

const auto kNameOfRow = [](const auto& row) { return std::string(row.param.name); };
INSTANTIATE_TEST_SUITE_P(
    Rows, SelectorMatches,
    ::testing::Values(
        Row{"EmptyMatchesEverything", {}, {{"a", "b"}}, true},
        Row{"EmptyMatchesNoLabels", {}, {}, true},
        Row{"LabelEqual", {.match_labels = {{"a", "b"}}}, {{"a", "b"}}, true},
        Row{"LabelOtherValue", {.match_labels = {{"a", "b"}}}, {{"a", "c"}}, false},
        Row{"LabelAbsent", {.match_labels = {{"a", ""}}}, {}, false},
        Row{"InListed", Where(Operator::kIn, {"x", "y"}), {{"key", "y"}}, true},
        Row{"InOther", Where(Operator::kIn, {"x"}), {{"key", "y"}}, false},
        Row{"InAbsent", Where(Operator::kIn, {"x"}), {}, false},
        Row{"NotInListed", Where(Operator::kNotIn, {"x"}), {{"key", "x"}}, false},
        Row{"NotInOther", Where(Operator::kNotIn, {"x"}), {{"key", "y"}}, true},
        Row{"NotInAbsent", Where(Operator::kNotIn, {"x"}), {}, true},
        Row{"ExistsPresent", Where(Operator::kExists), {{"key", ""}}, true},
        Row{"ExistsAbsent", Where(Operator::kExists), {}, false},
        Row{"DoesNotExistPresent", Where(Operator::kDoesNotExist), {{"key", ""}}, false},
        Row{"DoesNotExistAbsent", Where(Operator::kDoesNotExist), {}, true}),
    kNameOfRow);

TEST(SelectorMatchesAll, PartsTogether) {
  Selector both = Where(Operator::kExists);
  both.match_labels = {{"a", "b"}};
  EXPECT_TRUE(both.Matches({{"a", "b"}, {"key", "1"}}));
  EXPECT_FALSE(both.Matches({{"a", "b"}}));
}

TEST(SelectorCanonical, IsEqualWhateverTheOrderAndDifferentForDifferentMeaning) {
  Selector one{.match_expressions = {{"a", Operator::kExists, {}}, {"b", Operator::kExists, {}}}};
  Selector other{.match_expressions = {{"b", Operator::kExists, {}}, {"a", Operator::kExists, {}}}};
  EXPECT_EQ(one.Canonical(), other.Canonical());
  EXPECT_NE(Where(Operator::kIn, {"x"}).Canonical(), Where(Operator::kNotIn, {"x"}).Canonical());
  EXPECT_NE(Where(Operator::kExists).Canonical(), Selector().Canonical());
}

}  // namespace
}  // namespace trivet::netpolicy
