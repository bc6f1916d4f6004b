#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::container {

/// The descriptors that travel with one message; a body names them by index.
class FdTable {
 public:
  int32_t Add(UniqueFd fd) {
    fds_.push_back(std::move(fd));
    return static_cast<int32_t>(fds_.size() - 1);
  }
  [[nodiscard]] std::vector<int> Borrow() const {
    std::vector<int> numbers;
    for (const UniqueFd& fd : fds_) numbers.push_back(fd.get());
    return numbers;
  }

 private:
  std::vector<UniqueFd> fds_;
};

}  // namespace trivet::container
