#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace trivet::stats {

/// Calls `work` with each of 0 … `count` - 1, from as many threads as there are processors, this
/// one among them; few calls are not worth a second thread. What is called in one must not throw.
template <class Work>
void InParallel(size_t count, const Work& work) {
  constexpr size_t kWorthAThread = 16;  // a thread takes about as long as one of them
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t item = next++; item < count; item = next++) work(item);
  };
  const size_t threads =
      std::min<size_t>(count / kWorthAThread, std::max(std::thread::hardware_concurrency(), 1U));
  std::vector<std::jthread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(take);
  take();
}

}  // namespace trivet::stats
