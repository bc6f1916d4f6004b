#pragma once

#include <grpcpp/support/sync_stream.h>

#include "common/base/error.h"
#include "common/linux/scheduling.h"

namespace trivet::cri {

/// Answers of a streaming list: a full one is sent, so that no message outgrows gRPC's limit; an
/// empty one never. For calls that work (HandleStreamWork).
///
///   Batches batches(*writer);
///   for (…) Fill(*batches.Next().add_containers());
///   return batches.Finish();
template <class Message>
class Batches {
 public:
  static constexpr int kItems = 500;

  explicit Batches(grpc::ServerWriter<Message>& writer) : writer_(writer) {}

  /// The message to add one item to.
  Message& Next() {
    if (count_ == kItems) Send();
    ++count_;
    return message_;
  }

  /// Sends the rest. Errors: kUnavailable when the client has gone.
  Result<> Finish() {
    if (count_ > 0) Send();
    if (sent_) return {};
    return Fail(Code::kUnavailable, "the client has gone");
  }

 private:
  void Send() {
    const UrgentWhile urgent;  // the locks are gRPC's
    sent_ = sent_ && writer_.Write(message_);
    message_.Clear();
    count_ = 0;
  }

  grpc::ServerWriter<Message>& writer_;
  Message message_;
  int count_ = 0;
  bool sent_ = true;
};

}  // namespace trivet::cri
