#include "cri-runtime/container/hooks.h"

#include <gtest/gtest.h>

namespace trivet::container {
namespace {

using std::chrono::seconds;

TEST(TimeOfStartHooks, IsWhatAllButTheLastMayTake) {
  EXPECT_EQ(TimeOfStartHooks({}), seconds(0));
  const Config config{.hooks = {{.kind = HookKind::kCreateContainer},
                                {.kind = HookKind::kPoststart, .timeout_seconds = 5},
                                {.kind = HookKind::kPoststop, .timeout_seconds = 100}}};
  EXPECT_EQ(TimeOfStartHooks(config), seconds(65));
}

}  // namespace
}  // namespace trivet::container
