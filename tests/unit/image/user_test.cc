#include "cri-runtime/image/user.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(ParseUser, TakesDigitsAsANumberAndNeverAsAName) {
  const auto user = ParseUser("1000:0100");

  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->uid, 1000U);
  EXPECT_EQ(user->username, "");
  EXPECT_EQ(user->gid, 100U);
  EXPECT_EQ(user->group, "");
}

TEST(ParseUser, TakesNames) {
  const auto user = ParseUser("www-data:adm");

  ASSERT_THAT(user, IsOk());
  EXPECT_FALSE(user->uid.has_value());
  EXPECT_EQ(user->username, "www-data");
  EXPECT_FALSE(user->gid.has_value());
  EXPECT_EQ(user->group, "adm");
}

TEST(ParseUser, LeavesEverythingEmptyForNothing) {
  const auto user = ParseUser("");

  ASSERT_THAT(user, IsOk());
  EXPECT_FALSE(user->uid.has_value());
  EXPECT_EQ(user->username, "");
}

class UserIsRefused : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(UserIsRefused, InsteadOfBecomingRootOrSomebodyElse) {
  EXPECT_THAT(ParseUser(GetParam().second), FailsWith(Code::kInvalidArgument, "'"));
}

INSTANTIATE_TEST_SUITE_P(
    ParseUser, UserIsRefused,
    ::testing::Values(std::pair{"AboveInt32", "2147483648"},           // CVE-2024-40635
                      std::pair{"WrapsToZeroIn32Bits", "4294967296"},  // CVE-2024-40635
                      std::pair{"WrapsToZeroIn64Bits", "18446744073709551616"},
                      std::pair{"MinusOne", "-1"}, std::pair{"Plus", "+0"},
                      std::pair{"Space", " 0"}, std::pair{"NoUser", ":0"},
                      std::pair{"NoGroup", "0:"}, std::pair{"TwoColons", "0:0:0"},
                      std::pair{"LargeGroup", "0:4294967295"}, std::pair{"Newline", "root\n"},
                      std::pair{"Slash", "../root"}, std::pair{"NotAscii", "r\xc3\xb6t"},
                      std::pair{"Long", std::string(256, 'a')}),
    [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace trivet::image
