#include "cri-runtime/container/user.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;

const Accounts kAccounts{
    .passwd =
        "root:x:0:0:root:/root:/bin/sh\n"
        "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
        "broken\n"
        "huge:x:4294967296:1:huge:/:/bin/sh\n"
        "app:x:1000:1000:app:/home/app:/bin/sh\n"
        "1234:x:77:77:a name of digits:/:/bin/sh\n"
        "4294967296:x:0:0:root again:/:/bin/sh\n",
    .group = "root:x:0:\nextra:x:50000:other,app\nstaff:x:50:\nlong:x:60:application\n"};

TEST(ResolveUser, IsRootWhereNobodySaysAnything) {
  const auto user = ResolveUser({}, {}, kAccounts);
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->uid, 0u);
  EXPECT_EQ(user->home, "/root");
}

TEST(ResolveUser, TakesTheImagesUserByName) {
  const auto user = ResolveUser({}, {.username = "www-data"}, kAccounts);
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->uid, 33u);
  EXPECT_EQ(user->gid, 33u);
}

TEST(ResolveUser, TakesTheImagesGroupByName) {
  EXPECT_EQ(ResolveUser({}, {.uid = 1000, .group = "staff"}, kAccounts)->gid, 50u);
}

TEST(ResolveUser, PrefersTheRequestsUserAndForgetsTheImagesGroup) {
  const auto user = ResolveUser({.run_as_user = 33}, {.uid = 1000, .gid = 5}, kAccounts);
  EXPECT_EQ(user->uid, 33u);
  EXPECT_EQ(user->gid, 33u);
}

TEST(ResolveUser, GivesANumberThatNobodyKnowsTheRootGroup) {
  const auto user = ResolveUser({.run_as_user = 4711}, {}, kAccounts);
  EXPECT_EQ(user->uid, 4711u);
  EXPECT_EQ(user->gid, 0u);
  EXPECT_EQ(user->home, "/");
}

TEST(ResolveUser, NeverLooksADigitsOnlyNameUp) {
  EXPECT_EQ(ResolveUser({.run_as_username = "1234"}, {}, kAccounts)->uid, 1234u);
}

TEST(ResolveUser, RefusesDigitsThatAreNoUser) {
  for (const char* number : {"2147483648", "4294967296", "18446744073709551616"}) {
    EXPECT_THAT(ResolveUser({.run_as_username = number}, {}, kAccounts),
                FailsWith(Code::kInvalidArgument, "is out of range"))
        << number;
  }
}

TEST(ResolveUser, AddsTheGroupsOfTheImageWithMerge) {
  const auto user =
      ResolveUser({.run_as_user = 1000, .supplemental_groups = {1234}}, {}, kAccounts);
  EXPECT_THAT(user->additional_gids, ElementsAre(1000, 1234, 50000));
}

TEST(ResolveUser, LeavesTheGroupsOfTheImageOutWithStrict) {
  const auto user = ResolveUser(
      {.run_as_user = 1000, .supplemental_groups = {1234}, .groups_policy = GroupsPolicy::kStrict},
      {}, kAccounts);
  EXPECT_THAT(user->additional_gids, ElementsAre(1000, 1234));
}

TEST(ResolveUser, RefusesANameThatTheImageDoesNotKnow) {
  EXPECT_THAT(ResolveUser({.run_as_username = "nobody"}, {}, kAccounts),
              FailsWith(Code::kInvalidArgument, "user \"nobody\" is not in"));
}

TEST(ResolveUser, RefusesANumberBeyondThirtyOneBitsInThePasswdFile) {
  EXPECT_THAT(ResolveUser({.run_as_username = "huge"}, {}, kAccounts),
              FailsWith(Code::kInvalidArgument, "huge"));
}

TEST(ResolveUser, RefusesAnImageGroupThatTheImageDoesNotKnow) {
  EXPECT_THAT(ResolveUser({}, {.uid = 1, .group = "wheel"}, kAccounts),
              FailsWith(Code::kInvalidArgument, "group \"wheel\""));
}

TEST(ResolveUser, RefusesAGroupWithoutAUser) {
  EXPECT_THAT(ResolveUser({.run_as_group = 5}, {}, kAccounts),
              FailsWith(Code::kInvalidArgument, "run_as_group"));
}

TEST(ResolveUser, KnowsAUserOfALineThatEndsBehindItsNumbers) {
  const Accounts accounts{.passwd = "short:x:5\na:x:5:6\nb:x:7:8:words\n"};
  const auto user = ResolveUser({.run_as_username = "a"}, {}, accounts);
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->uid, 5u);
  EXPECT_EQ(user->gid, 6u);
  EXPECT_EQ(user->home, "/");
  EXPECT_EQ(ResolveUser({.run_as_user = 7}, {}, accounts)->gid, 8u);
}

TEST(ResolveUser, DoesNotTakeAHomeWithAControlCharacter) {
  const Accounts accounts{.passwd = "a:x:5:5::/home\ta:/bin/sh\n"};
  EXPECT_EQ(ResolveUser({.run_as_user = 5}, {}, accounts)->home, "/");
}

}  // namespace
}  // namespace trivet::container
