#pragma once

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

/// Threads for work beside the caller's, kept for a while for the next: to make and to end one
/// costs the processor about 0.1 ms. Each is as the process's first thread is scheduled
/// (BeOrdinary), and stays in the process's namespaces: work that changes what a thread has of its
/// own (namespace, credentials) puts it back, or wants a thread of its own. Any thread may call.
namespace trivet {

/// On which processor work begins.
enum class Where {
  kAnywhere,   // as the kernel thinks: for a caller that waits next
  kElsewhere,  // not on the caller's: for a caller that works on meanwhile
  kApart,  // all of it not on the caller's: for work that leaves neither a process nor a thread,
           // and is woken by the caller, as it may be where both use the kernel's same locks
};

/// Runs `work` in a thread that waits, or in a new one. However much runs already: no work waits
/// for other work. `work` must not throw. Throws std::system_error when there can be no thread.
void RunAside(std::function<void()> work, Where where = Where::kAnywhere);

/// As RunAside; false, and the work is not done, when there can be no thread for it.
bool TryRunAside(std::function<void()> work, Where where = Where::kAnywhere);

/// As RunAside, elsewhere; the future has what `work` returns or throws. It does not wait when it
/// is destroyed.
template <class Work>
std::future<std::invoke_result_t<Work>> BeginAside(Work work, Where where = Where::kElsewhere) {
  const auto task =
      std::make_shared<std::packaged_task<std::invoke_result_t<Work>()>>(std::move(work));
  auto future = task->get_future();
  RunAside([task] { (*task)(); }, where);
  return future;
}

}  // namespace trivet
