#include "shim/process_tree.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::testing::ElementsAre;

TEST(TreeOf, FindsDescendantsAtAnyDepthWhateverTheirNumbers) {
  EXPECT_THAT(TreeOf(10, {{5, 30}, {10, 1}, {20, 10}, {30, 20}, {40, 1}}),
              ElementsAre(5, 10, 20, 30));
}

TEST(TreeOf, IsTheRootAloneWhenItIsGone) {
  EXPECT_THAT(TreeOf(10, {}), ElementsAre(10));
}

// The table was read a moment ago.
TEST(HoldMember, TakesNoProcessWhoseNumberHasBecomeAnothers) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto member = HoldMember(child, {10, ::getpid()});
  EXPECT_TRUE(member.has_value() && member->valid());
  EXPECT_FALSE(HoldMember(child, {10, child}).has_value());
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(HoldMember(child, {10, ::getpid()}).has_value());
}

}  // namespace
}  // namespace trivet::shim
