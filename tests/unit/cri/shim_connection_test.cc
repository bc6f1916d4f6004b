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

TEST_F(ShimConnectionTest, IsUnavailableWhereNobodyListens) {
  EXPECT_THAT(reactor_->Connect("s", "/nowhere/sock"), FailsWith(Code::kNotFound, "/nowhere/sock"));
}

}  // namespace
}  // namespace trivet::cri
