#pragma once

#include <filesystem>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::testing {

/// Makes a shim one of an earlier build for a daemon that connects from now on: stands between and
/// offers it an earlier minor version. Descriptors do not come through.
class OlderShim {
 public:
  /// `folder` is the sandbox's, with the shim's socket.
  OlderShim(const std::filesystem::path& folder, uint16_t minor);
  ~OlderShim();
  OlderShim(const OlderShim&) = delete;
  OlderShim& operator=(const OlderShim&) = delete;

 private:
  void Serve();
  void Connect(UniqueFd daemon);

  std::filesystem::path shim_;
  uint16_t minor_;
  UniqueFd listener_;
  std::thread thread_;
  std::vector<std::thread> connections_;
};

}  // namespace trivet::testing
