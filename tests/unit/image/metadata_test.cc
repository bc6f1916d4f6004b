#include "cri-runtime/image/metadata.h"

#include <gtest/gtest.h>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

TEST(RuleFor, KeepsCapabilitiesAclsAndUserAttributes) {
  EXPECT_EQ(RuleFor("security.capability"), XattrRule::kKeep);
  EXPECT_EQ(RuleFor("system.posix_acl_access"), XattrRule::kKeep);
  EXPECT_EQ(RuleFor("user.mime_type"), XattrRule::kKeep);
}

TEST(RuleFor, DropsLabelsThatTheNodeGives) {
  EXPECT_EQ(RuleFor("security.selinux"), XattrRule::kDrop);
  EXPECT_EQ(RuleFor("security.ima"), XattrRule::kDrop);
}

TEST(RuleFor, RefusesWhatWouldSpeakToOverlayfs) {
  EXPECT_EQ(RuleFor("trusted.overlay.redirect"), XattrRule::kRefuse);
  EXPECT_EQ(RuleFor("trusted.overlay.opaque"), XattrRule::kRefuse);
  EXPECT_EQ(RuleFor("user.overlay.metacopy"), XattrRule::kRefuse);
  EXPECT_EQ(RuleFor("trusted.anything"), XattrRule::kRefuse);
}

TEST(Printable, ShowsControlCharactersAsNumbers) {
  EXPECT_EQ(Printable("a\x1b[2J\n"), "a\\x1b[2J\\x0a");
  EXPECT_EQ(Printable(std::string(201, 'x')).size(), 203U);
}

}  // namespace
}  // namespace trivet::image
