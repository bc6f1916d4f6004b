#include "tests/bench/cri/raw_calls.h"

namespace trivet::bench {
namespace {

void Await(grpc::CompletionQueue& answers) {
  void* tag = nullptr;
  bool ok = false;
  answers.Next(&tag, &ok);
}

}  // namespace

RawCalls::~RawCalls() {
  answers_.Shutdown();
  Await(answers_);
}

grpc::Status RawCalls::Call(grpc::ClientContext* context, const std::string& method,
                            const std::string& request, grpc::ByteBuffer& answer) {
  const grpc::Slice bytes(request);
  const auto call = stub_.PrepareUnaryCall(context, "/runtime.v1.RuntimeService/" + method,
                                           grpc::ByteBuffer(&bytes, 1), &answers_);
  grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, this);
  Await(answers_);
  return status;
}

}  // namespace trivet::bench
