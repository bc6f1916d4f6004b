#include "csi/volume/mutable_parameters.h"

#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(Changed, LeavesKeysThatAreNotGiven) {
  const auto first = Changed({}, {{"readBytesPerSecond", "1000"}, {"trim", "online"}});
  ASSERT_THAT(first, IsOk());
  const auto second = Changed(*first, {{"readBytesPerSecond", "0"}});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->limits, IoLimits{});
  EXPECT_EQ(second->trim, Trim::kOnline);
}

TEST(Changed, RefusesWhatIsNoKeyOrNoValue) {
  using Changes = std::map<std::string, std::string>;
  for (const Changes& wrong :
       {Changes{{"iops", "1"}}, Changes{{"readBytesPerSecond", ""}},
        Changes{{"readBytesPerSecond", "-1"}}, Changes{{"readBytesPerSecond", "1k"}},
        Changes{{"writeOperationsPerSecond", "2147483648"}}, Changes{{"trim", "Never"}}}) {
    EXPECT_THAT(Changed({}, wrong), FailsWith(Code::kInvalidArgument, wrong.begin()->first));
  }
}

TEST(Written, IsWhatChangedReads) {
  const MutableParameters all{.limits = {1, 2, 3, 4}, .trim = Trim::kUnstage};
  EXPECT_EQ(*Changed({}, Written(all)), all);
  EXPECT_TRUE(Written({}).empty());
}

}  // namespace
}  // namespace trivet::csi
