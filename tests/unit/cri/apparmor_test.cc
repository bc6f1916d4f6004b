#include "cri-runtime/container/apparmor.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

constexpr const char* kProfiles = "/usr/bin/man (enforce)\ncri (test) one (complain)\nlast (kill)";

TEST(IsProfileLoaded, FindsAProfileByItsWholeName) {
  EXPECT_TRUE(IsProfileLoaded(kProfiles, "/usr/bin/man"));
  EXPECT_TRUE(IsProfileLoaded(kProfiles, "cri (test) one"));
  EXPECT_TRUE(IsProfileLoaded(kProfiles, "last"));
}

TEST(IsProfileLoaded, FindsNoPartOfANameAndNoMode) {
  for (const char* name : {"", "man", "/usr/bin", "cri", "cri (test)", "last (kill)", "one"}) {
    EXPECT_FALSE(IsProfileLoaded(kProfiles, name)) << name;
  }
  EXPECT_FALSE(IsProfileLoaded("", "last"));
}

TEST(FindDefaultProfile, IsTheOneThatIsShipped) {
  EXPECT_EQ(*FindDefaultProfile(std::string("trivet-default (enforce)\n")), "trivet-default");
}

TEST(FindDefaultProfile, IsNoneWithoutAppArmor) {
  EXPECT_EQ(*FindDefaultProfile(Fail(Code::kNotFound, "open")), "");
}

TEST(FindDefaultProfile, SaysHowToLoadIt) {
  EXPECT_THAT(FindDefaultProfile(std::string("other (enforce)\n")),
              testing::FailsWith(Code::kFailedPrecondition, "apparmor_parser -r /etc"));
}

}  // namespace
}  // namespace trivet::container
