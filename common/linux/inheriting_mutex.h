#pragma once

#include <pthread.h>

namespace trivet {

/// A std::mutex of which the holder has the priority of whoever waits for it: a thread that answers
/// waits as long as the lock is held, not until the holder's turn comes. Without contention it
/// costs what another does. BasicLockable. Source: man 3 pthread_mutexattr_setprotocol;
/// Documentation/locking/pi-futex.rst.
class InheritingMutex {
 public:
  InheritingMutex() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }
  ~InheritingMutex() { ::pthread_mutex_destroy(&mutex_); }
  InheritingMutex(const InheritingMutex&) = delete;
  InheritingMutex& operator=(const InheritingMutex&) = delete;

  void lock() { ::pthread_mutex_lock(&mutex_); }
  void unlock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

}  // namespace trivet
