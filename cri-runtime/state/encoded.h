#pragma once

#include <atomic>
#include <memory>
#include <string>

namespace trivet::state {

/// What a list says of a record, in bytes: made by whoever asks first, and kept as long as the
/// record, which does not change. A copy of the record is made to be changed, and has none. Any
/// thread; none waits for another.
class Encoded {
 public:
  Encoded() = default;
  Encoded(const Encoded& /*of_another_state*/) {}
  Encoded& operator=(const Encoded&) = delete;
  ~Encoded() { delete bytes_.load(std::memory_order_relaxed); }

  /// `make` returns a string, the same one at each call. The reference lasts as long as this.
  template <class Make>
  const std::string& Get(Make make) const {
    if (const std::string* made = bytes_.load(std::memory_order_acquire)) return *made;
    auto mine = std::make_unique<const std::string>(make());
    const std::string* first = nullptr;
    if (bytes_.compare_exchange_strong(first, mine.get(), std::memory_order_acq_rel)) {
      return *mine.release();
    }
    return *first;
  }

 private:
  mutable std::atomic<const std::string*> bytes_ = nullptr;
};

}  // namespace trivet::state
