#include "cri-runtime/image/signal_name.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;

TEST(ParseSignal, KnowsNamesWithAndWithoutPrefixAndNumbers) {
  EXPECT_EQ(*ParseSignal("SIGTERM"), 15);
  EXPECT_EQ(*ParseSignal("TERM"), 15);
  EXPECT_EQ(*ParseSignal("3"), 3);
  EXPECT_EQ(*ParseSignal("SIGQUIT"), 3);
  EXPECT_EQ(*ParseSignal("SIGWINCH"), 28);
  EXPECT_EQ(*ParseSignal("sigquit"), 3);  // builders take it, and keep it as it is
  EXPECT_EQ(*ParseSignal("rtmin+3"), 37);
}

TEST(ParseSignal, CountsRealTimeSignalsAsTheKernelDoes) {
  EXPECT_EQ(*ParseSignal("SIGRTMIN"), 34);
  EXPECT_EQ(*ParseSignal("SIGRTMIN+3"), 37);
  EXPECT_EQ(*ParseSignal("SIGRTMAX"), 64);
  EXPECT_EQ(*ParseSignal("RTMAX-1"), 63);
}

TEST(ParseSignal, RefusesWhatIsNone) {
  for (const char* text : {"", "0", "65", "-1", "9x", "SIG", "SIGFOO", "sigfoo", "SIGRTMIN+31",
                           "SIGRTMIN+-1", "SIGTERM\n"}) {
    EXPECT_THAT(ParseSignal(text), FailsWith(Code::kInvalidArgument, "is not a signal")) << text;
  }
}

}  // namespace
}  // namespace trivet::image
