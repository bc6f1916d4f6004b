#pragma once

#include <grpcpp/completion_queue.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/linux/inheriting_mutex.h"

namespace trivet::rpc {

/// What the queue's thread is told by gRPC, by this address.
class QueuedEvent {
 public:
  virtual ~QueuedEvent() = default;
  /// In the queue's thread. `ok` as of grpc::CompletionQueue::Next.
  virtual void Come(bool ok) = 0;
};

/// The thread that takes unary calls from a server, and answers those that take it no time. It is
/// as the thread that made the queue. gRPC's own way is a thread for each call, which hands the
/// waiting for the next one to another thread first: on a machine whose processors sleep, what an
/// answer takes is to wake threads.
class CallQueue {
 public:
  explicit CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  /// Waits for the calls that run. The server was shut down before.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  [[nodiscard]] grpc::ServerCompletionQueue& queue() { return *queue_; }

  /// Does `work`, which gives an answer, in another thread, as that is scheduled. False, and it is
  /// not done, when there can be no thread for it.
  bool TryAside(std::function<void()> work);

 private:
  void Loop();

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  InheritingMutex mutex_;
  std::condition_variable_any none_;
  int aside_ = 0;
  std::thread thread_;
};

}  // namespace trivet::rpc
