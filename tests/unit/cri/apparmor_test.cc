#include "cri-runtime/container/apparmor.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace trivet::container
