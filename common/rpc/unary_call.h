#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/status.h>

#include <optional>

#include "common/linux/scheduling.h"
#include "common/rpc/call_queue.h"

namespace trivet::rpc {

/// Where a method is answered.
enum class Answered {
  kAtOnce,  // in the queue's thread: waits for nobody, and takes a fraction of a millisecond
  kAside,   // in a thread of its own
};

/// A method of a service that was generated with WithAsyncMethod_NAME: how gRPC gives its next
/// call, and what answers it.
template <class Service, class Base, class Request, class Response>
struct UnaryMethod {
  void (Base::*take)(grpc::ServerContext*, Request*, grpc::ServerAsyncResponseWriter<Response>*,
                     grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);
  grpc::Status (Service::*answer)(grpc::ServerContext*, const Request*, Response*);
  Answered where;
};

/// A call that comes, or will: one of each method waits for a client. It ends itself; what it is
/// given outlives it.
template <class Service, class Base, class Request, class Response>
class UnaryCall final : public QueuedEvent {
 public:
  using Method = UnaryMethod<Service, Base, Request, Response>;

  /// Waits for a call of `method`, answers it, and waits for the next one.
  static void Await(CallQueue& calls, Service& service, const Method& method) {
    new UnaryCall(calls, service, method);
  }

  void Come(bool ok) override {
    if (!ok) return End();
    CallQueue& calls = calls_;
    Service& service = service_;
    const Method method = method_;
    if (method.where == Answered::kAtOnce) {
      Finish(Answer());
    } else if (!calls.TryAside([this] { AnswerAside(); })) {
      Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "there can be no more threads"});
    }
    Await(calls, service, method);
    if (method.where == Answered::kAtOnce) calls.EndOne();
  }

  void End() override { delete this; }

 private:
  UnaryCall(CallQueue& calls, Service& service, const Method& method)
      : calls_(calls), service_(service), method_(method) {
    (service.*method.take)(&context_, &request_, &writer_, &calls.ending(), &calls.coming(), this);
  }

  grpc::Status Answer() { return (service_.*method_.answer)(&context_, &request_, &response_); }

  void AnswerAside() {
    CallQueue& calls = calls_;
    const grpc::Status status = Answer();
    std::optional<UrgentWhile> urgent;  // the locks are gRPC's
    if (calls.HasManyAside()) urgent.emplace();
    Finish(status);
    calls.EndOne();
  }

  // The last: another thread may have ended it by now.
  void Finish(const grpc::Status& status) {
    if (status.ok()) {
      writer_.Finish(response_, status, this);
    } else {
      writer_.FinishWithError(status, this);
    }
  }

  CallQueue& calls_;
  Service& service_;
  const Method method_;
  grpc::ServerContext context_;
  Request request_;
  Response response_;
  grpc::ServerAsyncResponseWriter<Response> writer_{&context_};
};

/// Has calls of a method of `service` answered from now on.
template <class Service, class Base, class Request, class Response>
void AwaitCalls(CallQueue& calls, Service& service,
                void (Base::*take)(grpc::ServerContext*, Request*,
                                   grpc::ServerAsyncResponseWriter<Response>*,
                                   grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*),
                grpc::Status (Service::*answer)(grpc::ServerContext*, const Request*, Response*),
                Answered where) {
  UnaryCall<Service, Base, Request, Response>::Await(calls, service, {take, answer, where});
}

}  // namespace trivet::rpc
