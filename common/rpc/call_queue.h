#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/linux/inheriting_mutex.h"

namespace trivet::rpc {

/// What gRPC tells of a call, by this address.
class QueuedEvent {
 public:
  virtual ~QueuedEvent() = default;
  /// A client calls; in the queue's thread. Not ok: nobody will any more.
  virtual void Come(bool ok) = 0;
  /// Its answer was sent, or can not be. In any thread.
  virtual void End() = 0;
};

/// The thread that takes unary calls from a server, and answers those that take it no time. It is
/// as the thread that has it begin. gRPC's own way is a thread for each call, which hands the
/// waiting for the next one to another thread first: on a machine whose processors sleep, what an
/// answer takes is to wake threads.
class CallQueue {
 public:
  explicit CallQueue(grpc::ServerBuilder& builder);
  /// Waits for the calls that run. The server was shut down before.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// When there is a server, and calls are awaited.
  void Begin();

  /// Where new calls come.
  [[nodiscard]] grpc::ServerCompletionQueue& coming() { return *coming_; }
  /// Where it is told that calls have ended. Nobody waits for that: to be woken for each would cost
  /// more than all else that the queue's thread does.
  [[nodiscard]] grpc::ServerCompletionQueue& ending() { return *ending_; }

  /// Does `work`, which gives an answer, in another thread, as that is scheduled. False, and it is
  /// not done, when there can be no thread for it. Of many at a time the caller has one thread
  /// begin, which has the next one begin: to make a thread for each would put off the next call.
  bool TryAside(std::function<void()> work);

  /// Whether other work than the caller's is done aside: it may keep the processors from the
  /// caller.
  [[nodiscard]] bool HasManyAside();

  /// Ends a call that has come to its end, if there is one: after each answer.
  void EndOne();

 private:
  void Loop();
  void WorkAside();
  bool TakeWork(std::function<void()>& work);
  void EndWork();

  std::unique_ptr<grpc::ServerCompletionQueue> coming_;
  std::unique_ptr<grpc::ServerCompletionQueue> ending_;
  InheritingMutex mutex_;
  std::condition_variable_any none_;
  int aside_ = 0;                            // works that have not ended
  std::deque<std::function<void()>> works_;  // that have not begun
  bool begins_ = false;  // a thread is there, or comes, that takes the first of them
  std::thread thread_;
};

}  // namespace trivet::rpc
