#include "common/base/error.h"

#include <cerrno>

#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

Result<int> Half(int number) {
  if (number % 2 != 0) return Fail(Code::kInvalidArgument, "{} is odd", number);
  return number / 2;
}

Result<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number), "first half");
  ASSIGN_OR_RETURN(const int quarter, Half(half), "second half");
  return quarter;
}

TEST(Error, OfAnUnknownErrnoTellsItsNumber) {
  EXPECT_EQ(Error::FromErrno(4000, "open /x").message(), "open /x: Unknown error 4000");
}

TEST(Error, TakesItsCodeFromErrno) {
  const Error error = Error::FromErrno(ENOENT, "open /x");
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.sys_errno(), ENOENT);
  EXPECT_EQ(error.message(), "open /x: No such file or directory");
}

TEST(Error, KeepsErrnoWhenWrapped) {
  const Error error = Error::FromErrno(EBUSY, "umount /x").Wrap("teardown");
  EXPECT_EQ(error.sys_errno(), EBUSY);
  EXPECT_EQ(error.message(), "teardown: umount /x: Device or resource busy");
}

TEST(Result, NamesTheStepThatFailed) {
  EXPECT_THAT(Quarter(8), IsOk());
  EXPECT_THAT(Quarter(6), FailsWith(Code::kInvalidArgument, "second half: 3 is odd"));
}

TEST(FailErrno, ReadsErrnoBeforeItFormats) {
  errno = EACCES;
  const Result<> result = FailErrno("open {}", "/secret");
  EXPECT_THAT(result, FailsWith(Code::kPermissionDenied, "open /secret: Permission denied"));
}

}  // namespace
}  // namespace trivet
