#include "cri-runtime/service/signals.h"

#include <gtest/gtest.h>

#include <csignal>

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

TEST(NumberOfSignal, KnowsTheUsualOnes) {
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGTERM), SIGTERM);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGUSR1), SIGUSR1);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGXFSZ), SIGXFSZ);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGWINCH), SIGWINCH);
}

TEST(NumberOfSignal, CountsRealTimeSignalsFromBothEnds) {
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGRTMIN), 34);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGRTMINPLUS3), 37);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGRTMAXMINUS1), 63);
  EXPECT_EQ(NumberOfSignal(v1::SIGNAL_SIGRTMAX), 64);
}

TEST(NumberOfSignal, IsNothingForAnUnknownNumber) {
  EXPECT_FALSE(NumberOfSignal(static_cast<v1::Signal>(99)));
}

TEST(SignalOfNumber, IsTheInverseForEverySignal) {
  for (int number = 1; number <= 31; ++number) {
    EXPECT_EQ(NumberOfSignal(SignalOfNumber(number)), number);
  }
  for (int number = 34; number <= 64; ++number) {
    EXPECT_EQ(NumberOfSignal(SignalOfNumber(number)), number);
  }
}

}  // namespace
}  // namespace trivet::cri
