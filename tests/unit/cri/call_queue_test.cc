// Calls that are taken from a queue, over a socket.
#include "common/rpc/call_queue.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <future>
#include <latch>

#include "common/rpc/server.h"
#include "cri-runtime/service/queued_runtime_service.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Version at once, StartContainer aside, StopContainer as gRPC has it.
class QueuedService
    : public WithQueued<v1::RuntimeService::Service, v1::RuntimeService::WithAsyncMethod_Version,
                        v1::RuntimeService::WithAsyncMethod_StartContainer>::Type {
 public:
  using Work = std::function<grpc::Status()>;

  void AwaitAll(rpc::CallQueue& calls) {
    rpc::AwaitCalls(calls, *this, &QueuedService::RequestVersion, &QueuedService::Version,
                    rpc::Answered::kAtOnce);
    rpc::AwaitCalls(calls, *this, &QueuedService::RequestStartContainer,
                    &QueuedService::StartContainer, rpc::Answered::kAside);
  }

  grpc::Status Version(grpc::ServerContext* /*context*/, const v1::VersionRequest* request,
                       v1::VersionResponse* response) override {
    thread_ = std::this_thread::get_id();
    response->set_version(request->version());
    return grpc::Status::OK;
  }

  grpc::Status StartContainer(grpc::ServerContext* /*context*/,
                              const v1::StartContainerRequest* /*request*/,
                              v1::StartContainerResponse* /*response*/) override {
    EXPECT_NE(std::this_thread::get_id(), thread_);
    return work_();
  }

  grpc::Status StopContainer(grpc::ServerContext* /*context*/,
                             const v1::StopContainerRequest* /*request*/,
                             v1::StopContainerResponse* /*response*/) override {
    return grpc::Status::OK;
  }

  Work work_ = [] { return grpc::Status::OK; };
  std::thread::id thread_;
};

class CallQueueTest : public ::testing::Test {
 protected:
  CallQueueTest() {
    auto server = rpc::Server::Start(folder_ / "sock", {&service_},
                                     [this](rpc::CallQueue& calls) { service_.AwaitAll(calls); });
    EXPECT_TRUE(server.has_value());
    server_.emplace(std::move(*server));
  }
  ~CallQueueTest() override {
    if (server_) server_->Stop(seconds(0));
  }

  [[nodiscard]] std::unique_ptr<v1::RuntimeService::Stub> Client() const {
    return v1::RuntimeService::NewStub(grpc::CreateChannel("unix:" + (folder_ / "sock").native(),
                                                           grpc::InsecureChannelCredentials()));
  }

  [[nodiscard]] grpc::Status Start(milliseconds patience = seconds(20)) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    v1::StartContainerResponse response;
    return Client()->StartContainer(&context, {}, &response);
  }

  [[nodiscard]] std::string EchoVersion(const std::string& version) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(20));
    v1::VersionRequest request;
    request.set_version(version);
    v1::VersionResponse response;
    const grpc::Status status = Client()->Version(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.version();
  }

  testing::TempDirectory folder_;
  QueuedService service_;
  std::optional<rpc::Server> server_;
};

TEST_F(CallQueueTest, AnswersOneCallAfterTheOther) {
  for (const char* version : {"1", "2", "3"}) EXPECT_EQ(EchoVersion(version), version);
}

TEST_F(CallQueueTest, AnswersAtOnceWhileWorkGoesOn) {
  std::promise<void> end;
  service_.work_ = [&, ended = end.get_future().share()] {
    ended.wait();
    return grpc::Status::OK;
  };
  auto started = std::async(std::launch::async, [&] { return Start(); });
  EXPECT_EQ(EchoVersion("1"), "1");
  EXPECT_EQ(started.wait_for(milliseconds(50)), std::future_status::timeout);
  end.set_value();
  EXPECT_TRUE(started.get().ok());
}

TEST_F(CallQueueTest, DoesAllWorkThatComesAtATime) {
  constexpr int kCalls = 40;
  std::latch all(kCalls);
  service_.work_ = [&] {
    all.arrive_and_wait();
    return grpc::Status::OK;
  };
  std::vector<std::future<grpc::Status>> started;
  for (int i = 0; i < kCalls; ++i) {
    started.push_back(std::async(std::launch::async, [&] { return Start(); }));
  }
  for (auto& one : started) EXPECT_TRUE(one.get().ok());
}

TEST_F(CallQueueTest, TellsWhyACallFails) {
  service_.work_ = [] { return grpc::Status(grpc::StatusCode::NOT_FOUND, "no container c"); };
  const grpc::Status status = Start();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no container c");
}

TEST_F(CallQueueTest, EndsWorkWhoseClientHasGone) {
  std::promise<void> end;
  std::promise<void> has_ended;
  service_.work_ = [&, ended = end.get_future().share()] {
    ended.wait();
    has_ended.set_value();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Start(milliseconds(20)).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  end.set_value();
  has_ended.get_future().wait();
  EXPECT_EQ(EchoVersion("1"), "1");
}

TEST_F(CallQueueTest, StopsWhenWorkHasEnded) {
  std::promise<void> begun;
  std::promise<void> end;
  std::atomic<bool> has_ended = false;
  service_.work_ = [&, ended = end.get_future().share()] {
    begun.set_value();
    ended.wait();
    has_ended = true;
    return grpc::Status::OK;
  };
  auto started = std::async(std::launch::async, [&] { return Start(); });
  begun.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] {
    server_->Stop(milliseconds(0));
    EXPECT_TRUE(has_ended);
  });
  EXPECT_FALSE(started.get().ok());
  EXPECT_EQ(stopped.wait_for(milliseconds(50)), std::future_status::timeout);
  end.set_value();
  stopped.get();
  server_.reset();
}

TEST_F(CallQueueTest, LeavesOtherMethodsToGrpc) {
  grpc::ClientContext context;
  v1::StopContainerResponse response;
  EXPECT_TRUE(Client()->StopContainer(&context, {}, &response).ok());
}

}  // namespace
}  // namespace trivet::cri
