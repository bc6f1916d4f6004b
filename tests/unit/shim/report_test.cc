#include "shim/report.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using testing::IsOk;

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

TEST(ReadReport, SaysThatTheChannelIsClosed) {
  auto channel = MakeReportChannel();
  channel->child.reset();
  const auto report = ReadReport(channel->parent.get());
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(std::holds_alternative<Closed>(*report));
}

// Source: unix_release_sock() in net/unix/af_unix.c: such an end is an error that comes first.
TEST(ReadReport, GivesTheReasonOfAProcessThatEndedWithoutTakingAWord) {
  auto channel = MakeReportChannel();
  ASSERT_THAT(channel, IsOk());
  const Failure failure{.step = Step::kMount, .err = ENOENT, .object = "/data"};
  ASSERT_EQ(::send(channel->parent.get(), "g", 1, 0), 1);
  ASSERT_EQ(::send(channel->child.get(), &failure, sizeof failure, 0), ssize_t{sizeof failure});
  channel->child.reset();
  const auto first = ReadReport(channel->parent.get());
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(std::holds_alternative<Unheard>(*first));
  const auto second = ReadReport(channel->parent.get());
  ASSERT_THAT(second, IsOk());
  ASSERT_TRUE(std::holds_alternative<Failure>(*second));
  EXPECT_EQ(std::get<Failure>(*second).err, ENOENT);
  EXPECT_TRUE(std::holds_alternative<Closed>(*ReadReport(channel->parent.get())));
}

}  // namespace
}  // namespace trivet::shim
