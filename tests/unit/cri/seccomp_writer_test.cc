#include "cri-runtime/container/seccomp_writer.h"

#include <gtest/gtest.h>
#include <linux/seccomp.h>

namespace trivet::container {
namespace {

constexpr sock_filter kAllow{kReturn, 0, 0, SECCOMP_RET_ALLOW};
constexpr sock_filter kDeny{kReturn, 0, 0, SECCOMP_RET_KILL_PROCESS};
constexpr sock_filter kLoadNumber{kLoad, 0, 0, kNumberOffset};
constexpr sock_filter kLoadArgument{kLoad, 0, 0, offsetof(seccomp_data, args)};
// A comparison can leave out one more, for an instruction that the other side may need.
constexpr uint32_t kFar = 254;

// So many comparisons after another, so that what is behind them gets far.
size_t Fill(BackwardWriter& writer, uint32_t count, size_t place, size_t otherwise) {
  for (uint32_t constant = 0; constant < count; ++constant) {
    place = writer.Compare(kJumpIfEqual, 1000 + constant, otherwise, place);
  }
  return place;
}

TEST(BackwardWriter, WritesWhatIsThereAlreadyOnce) {
  BackwardWriter writer;
  const size_t one = writer.Compare(kJumpIfEqual, 7, writer.End(kAllow), writer.End(kDeny));
  const size_t other = writer.Compare(kJumpIfEqual, 7, writer.End(kAllow), writer.End(kDeny));
  EXPECT_EQ(one, other);
  EXPECT_EQ(writer.Take(one).size(), 3);
}

TEST(BackwardWriter, ComparesNothingThatGoesOnAlike) {
  BackwardWriter writer;
  const size_t allow = writer.End(kAllow);
  EXPECT_EQ(writer.Compare(kJumpIfEqual, 7, allow, allow), allow);
}

TEST(BackwardWriter, LoadsNothingThatIsNotLookedAt) {
  BackwardWriter writer;
  const size_t allow = writer.End(kAllow);
  EXPECT_EQ(writer.Before(allow, kLoadNumber), allow);
  const size_t load =
      writer.Before(writer.Compare(kJumpIfEqual, 7, allow, writer.End(kDeny)), kLoadArgument);
  EXPECT_EQ(writer.Before(load, kLoadNumber), load);
}

TEST(BackwardWriter, JumpsNearlyAsFarAsAComparisonCan) {
  BackwardWriter writer;
  const size_t allow = writer.End(kAllow);
  const size_t place = Fill(writer, kFar, writer.End(kDeny), allow);
  const SeccompProgram program = writer.Take(place);
  EXPECT_EQ(program.size(), kFar + 2);
  EXPECT_EQ(program.front().jt, kFar);
}

TEST(BackwardWriter, GivesAnAnswerThatIsFartherOnceMore) {
  BackwardWriter writer;
  const size_t allow = writer.End(kAllow);
  const SeccompProgram program = writer.Take(Fill(writer, kFar + 1, writer.End(kDeny), allow));
  EXPECT_EQ(program.size(), kFar + 4);  // and a jump over it
  EXPECT_EQ(program[1].code, kReturn);
  EXPECT_EQ(program[1].k, kAllow.k);
}

TEST(BackwardWriter, JumpsToWhatIsFartherByAnInstruction) {
  BackwardWriter writer;
  const size_t deny = writer.End(kDeny);
  const size_t argument =
      writer.Before(writer.Compare(kJumpIfEqual, 7, writer.End(kAllow), deny), kLoadArgument);
  const size_t filled = Fill(writer, kFar + 10, deny, writer.End(kAllow));
  const SeccompProgram program = writer.Take(writer.Compare(kJumpIfEqual, 8, argument, filled));
  const size_t jump = 1U + program.front().jt;
  ASSERT_EQ(program[jump].code, kJump);
  EXPECT_EQ(program[jump + 1 + program[jump].k].k, kLoadArgument.k);
}

TEST(BackwardWriter, StartsWhereItIsTold) {
  BackwardWriter writer;
  const size_t allow = writer.End(kAllow);
  const size_t deny = writer.End(kDeny);
  writer.Compare(kJumpIfEqual, 7, allow, deny);
  EXPECT_EQ(writer.Take(allow).front().k, kAllow.k);
}

}  // namespace
}  // namespace trivet::container
