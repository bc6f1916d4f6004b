#include <poll.h>

#include <future>

#include "cri-runtime/shim_client/reactor.h"
#include "tests/testing/matchers.h"
#include "tests/unit/cri/fake_shim.h"

namespace trivet::cri {
namespace {

using testing::FailsWith;
using testing::IsOk;

class ShimConnectionTest : public ::testing::Test {
 protected:
  std::promise<shim::ExitRecord> exited_;
  std::promise<std::string> gone_;
  std::unique_ptr<ShimReactor> reactor_ = std::move(*ShimReactor::Start(
      {.container_exited = [this](const shim::ExitRecord& exit) { exited_.set_value(exit); },
       .shim_gone = [this](const std::string& id) { gone_.set_value(id); }}));
};

TEST_F(ShimConnectionTest, GivesEachCallItsAnswerInAnyOrder) {
  FakeShim shim([](int fd) {
    Packet first;
    Packet second;
    ASSERT_TRUE(FakeShim::Await(fd, first) && FakeShim::Await(fd, second));
    for (const Packet* request : {&second, &first}) {
      const auto id = DecodeBody<shim::ContainerRef>(*request)->id;
      FakeShim::Answer(fd, *request, shim::Started{.pid = std::stoi(id)});
    }
    Packet end;
    FakeShim::Await(fd, end);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  ASSERT_THAT(connection, IsOk());
  const auto start = [&](const char* id) {
    return std::async(std::launch::async, [&, id] {
      return (*connection)
          ->Call<shim::Started>(shim::Verb::kStartContainer, shim::ContainerRef{id});
    });
  };
  auto one = start("1");
  auto two = start("2");
  EXPECT_EQ(one.get()->pid, 1);
  EXPECT_EQ(two.get()->pid, 2);
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, CarriesALargeBodyInAFile) {
  const std::string large(100'000, 'x');
  FakeShim shim([&](int fd) {
    Packet request;
    ASSERT_TRUE(FakeShim::Await(fd, request));
    EXPECT_EQ(request.header.body_in_memfd, 1);
    EXPECT_EQ(DecodeBody<shim::ContainerRef>(request)->id, large);
    FakeShim::Answer(fd, request, shim::Empty{});
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{large}),
              IsOk());
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, FailsAsTheShimSays) {
  FakeShim shim([](int fd) {
    Packet request;
    ASSERT_TRUE(FakeShim::Await(fd, request));
    static_cast<void>(SendPacket(fd,
                                 {.serial = request.header.serial,
                                  .code = static_cast<int32_t>(Code::kNotFound),
                                  .message = "execve /bin/nope"},
                                 "", {}));
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{}),
              FailsWith(Code::kNotFound, "execve /bin/nope"));
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, TellsOfAContainerThatEnded) {
  FakeShim shim([](int fd) {
    static_cast<void>(SendPacket(fd, {.verb = shim::Verb::kContainerExited},
                                 wire::Encode(shim::ExitRecord{.id = "c", .exit_code = 3}), {}));
    Packet end;
    FakeShim::Await(fd, end);
  });
  ASSERT_THAT(reactor_->Connect("s", shim.socket()), IsOk());
  EXPECT_EQ(exited_.get_future().get().exit_code, 3);
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, FailsWhoWaitsWhenTheShimDies) {
  FakeShim shim([](int fd) {
    Packet request;
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{}),
              FailsWith(Code::kUnavailable, "the shim of sandbox s is gone"));
  EXPECT_EQ(gone_.get_future().get(), "s");
  EXPECT_THAT(reactor_->Find("s"), FailsWith(Code::kUnavailable, "not connected"));
}

TEST_F(ShimConnectionTest, GivesUpAtTheDeadline) {
  FakeShim shim([](int fd) {
    Packet request;
    while (FakeShim::Await(fd, request)) {
    }
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_THAT((*connection)
                  ->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{}, {},
                                      std::chrono::milliseconds(5)),
              FailsWith(Code::kDeadlineExceeded, "within 5 ms"));
  reactor_->Drop("s");
}

// Answers Hello in `version`, whatever it was offered, and keeps the next request.
void ServeAsVersion(int fd, uint32_t version, Packet& next) {
  Packet hello;
  ASSERT_TRUE(FakeShim::Await(fd, hello));
  EXPECT_EQ(hello.header.version, shim::VersionOf(0));
  EXPECT_EQ(DecodeBody<shim::Offer>(hello)->minor, shim::kMinor);
  const shim::State state{.sandbox_id = "s", .program_version = "9"};
  const shim::Header header{.version = version, .serial = hello.header.serial};
  ASSERT_THAT(SendPacket(fd, header, wire::Encode(state, shim::MinorOf(version)), {}), IsOk());
  if (FakeShim::Await(fd, next)) FakeShim::Answer(fd, next, shim::Empty{});
  Packet end;
  FakeShim::Await(fd, end);
}

TEST_F(ShimConnectionTest, SpeaksTheVersionOfAnOlderShim) {
  Packet next;
  FakeShim shim([&](int fd) { ServeAsVersion(fd, shim::VersionOf(0), next); });
  const auto connection = reactor_->Connect("s", shim.socket());
  const auto state = (*connection)->Hello();
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->sandbox_id, "s");
  EXPECT_EQ(state->program_version, "");
  EXPECT_EQ((*connection)->minor(), 0);
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{"c"}),
              IsOk());
  EXPECT_EQ(next.header.version, shim::VersionOf(0));
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, SpeaksTheNewestVersionThatBothKnow) {
  Packet next;
  FakeShim shim([&](int fd) { ServeAsVersion(fd, shim::VersionOf(1), next); });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_EQ((*connection)->Hello()->program_version, "9");
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{"c"}),
              IsOk());
  EXPECT_EQ(next.header.version, shim::VersionOf(1));
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, DoesNotAskAnOlderShimForWhatItCannotRead) {
  Packet next;
  FakeShim shim([&](int fd) { ServeAsVersion(fd, shim::VersionOf(0), next); });
  const auto connection = reactor_->Connect("s", shim.socket());
  ASSERT_THAT((*connection)->Hello(), IsOk());
  const shim::State unknown{.program_version = "x"};  // any message with a field of a later minor
  EXPECT_THAT((*connection)->Call<shim::Empty>(shim::Verb::kReopenLog, unknown),
              FailsWith(Code::kUnimplemented, "cannot say"));
  reactor_->Drop("s");
}

// It is there, so its pod is not taken for dead.
TEST_F(ShimConnectionTest, SaysThatAShimSpeaksAnotherMajorVersion) {
  FakeShim shim([&](int fd) {
    Packet request;
    ASSERT_TRUE(FakeShim::Await(fd, request));
    const std::string two("\x02\x00\x00\x00", 4);  // and then what nobody knows
    ASSERT_EQ(::send(fd, two.data(), two.size(), MSG_NOSIGNAL), 4);
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  EXPECT_THAT((*connection)->Hello(), FailsWith(Code::kFailedPrecondition, "protocol version 2"));
  EXPECT_THAT(reactor_->Find("s"), FailsWith(Code::kUnavailable, "not connected"));
  EXPECT_EQ(gone_.get_future().wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

// An exec as ExecSync has it.
Result<shim::ExecResult> CallExec(ShimConnection& connection, int patience_ms = 20'000) {
  return connection.Call<shim::ExecResult>(
      shim::Verb::kExec, shim::ExecRequest{.id = "c"}, {}, std::chrono::milliseconds(patience_ms),
      [](int answered_fd, ShimConnection::Clock::time_point until) {
        const auto left = until - ShimConnection::Clock::now();
        pollfd event{answered_fd, POLLIN, 0};
        ::poll(&event, 1,
               static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      });
}

// Which connection the exec came by is told by its exit code.
void AnswerExec(int fd, int code) {
  Packet request;
  ASSERT_TRUE(FakeShim::Await(fd, request));
  FakeShim::Answer(fd, request, shim::ExecResult{.exit_code = code});
}

TEST_F(ShimConnectionTest, GivesExecsThatComeAgainAConnectionOfTheirOwn) {
  FakeShim shim([&](int fd) {
    AnswerExec(fd, 1);
    const UniqueFd own = shim.Accept();
    AnswerExec(own.get(), 2);
    AnswerExec(own.get(), 3);
    EXPECT_FALSE(shim.HasCaller());
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  for (const int code : {1, 2, 3}) EXPECT_EQ(CallExec(**connection)->exit_code, code);
  EXPECT_EQ(gone_.get_future().get(), "s");
  EXPECT_THAT(CallExec(**connection),
              FailsWith(Code::kUnavailable, "the shim of sandbox s is gone"));
}

TEST_F(ShimConnectionTest, TakesTheFirstConnectionForAnExecBesideAnother) {
  FakeShim shim([&](int fd) {
    AnswerExec(fd, 1);
    const UniqueFd own = shim.Accept();
    Packet request;
    ASSERT_TRUE(FakeShim::Await(own.get(), request));
    AnswerExec(fd, 3);
    FakeShim::Answer(own.get(), request, shim::ExecResult{.exit_code = 2});
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  ASSERT_THAT(CallExec(**connection), IsOk());
  const auto exec = [&] { return CallExec(**connection)->exit_code; };
  auto one = std::async(std::launch::async, exec);
  auto other = std::async(std::launch::async, exec);
  EXPECT_EQ(one.get() + other.get(), 2 + 3);
  reactor_->Drop("s");
}

// Its answer may come later, and is no other exec's.
TEST_F(ShimConnectionTest, LeavesTheConnectionOfAnExecThatItGaveUp) {
  FakeShim shim([&](int fd) {
    AnswerExec(fd, 1);
    const UniqueFd left = shim.Accept();
    Packet request;
    ASSERT_TRUE(FakeShim::Await(left.get(), request));
    EXPECT_FALSE(FakeShim::Await(left.get(), request));
    const UniqueFd next = shim.Accept();
    AnswerExec(next.get(), 3);
    FakeShim::Await(fd, request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  ASSERT_THAT(CallExec(**connection), IsOk());
  EXPECT_THAT(CallExec(**connection, 5), FailsWith(Code::kDeadlineExceeded, "within 5 ms"));
  EXPECT_EQ(CallExec(**connection)->exit_code, 3);
  reactor_->Drop("s");
}

TEST_F(ShimConnectionTest, FailsAnExecWhoseShimDies) {
  FakeShim shim([&](int fd) {
    AnswerExec(fd, 1);
    const UniqueFd own = shim.Accept();
    Packet request;
    FakeShim::Await(own.get(), request);
  });
  const auto connection = reactor_->Connect("s", shim.socket());
  ASSERT_THAT(CallExec(**connection), IsOk());
  EXPECT_THAT(CallExec(**connection),
              FailsWith(Code::kUnavailable, "the shim of sandbox s is gone"));
}

TEST_F(ShimConnectionTest, IsUnavailableWhereNobodyListens) {
  EXPECT_THAT(reactor_->Connect("s", "/nowhere/sock"), FailsWith(Code::kNotFound, "/nowhere/sock"));
}

}  // namespace
}  // namespace trivet::cri
