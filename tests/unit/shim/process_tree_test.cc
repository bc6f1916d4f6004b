#include "shim/process_tree.h"

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

}  // namespace
}  // namespace trivet::shim
