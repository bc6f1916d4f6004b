#include "shim/report.h"

#include <cerrno>
#include <cstring>

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

TEST(ToError, NamesStepObjectAndReason) {
  Failure failure{.step = Step::kExecve, .err = ENOENT};
  std::strcpy(failure.object, "/bin/nope");
  const Error error = ToError(failure);
  EXPECT_EQ(error.message(), "execve /bin/nope: No such file or directory");
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.sys_errno(), ENOENT);
}

TEST(ToError, TakesAnObjectWithoutAnEnd) {
  Failure failure{.step = Step::kMount, .err = EPERM};
  std::memset(failure.object, 'x', sizeof failure.object);
  EXPECT_EQ(ToError(failure).message().size(),
            std::strlen("mount : Operation not permitted") + sizeof failure.object);
}

TEST(ReadReport, TakesAClosedChannelForASuccessfulExecve) {
  auto channel = MakeReportChannel();
  channel->child.reset();
  const auto report = ReadReport(channel->parent.get());
  ASSERT_THAT(report, testing::IsOk());
  EXPECT_TRUE(std::holds_alternative<Executed>(*report));
}

}  // namespace
}  // namespace trivet::shim
