#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trivet::shim {

enum class LogStream : uint8_t { kStdout, kStderr };

/// A line of a container that is longer is cut into partial ones of this size.
constexpr size_t kMaxLineBytes = 16384;

/// The start of a line in the CRI log format, in UTC with all nine digits so that lines sort as
/// text: "2026-11-23T11:04:05.000000006Z stdout F ". Partial (P) lines are to be joined with the
/// next by the reader.
/// Source: Kubernetes, kubelet-cri-logging.md.
class LogLineHeader {
 public:
  LogLineHeader(int64_t time_ns, LogStream stream, bool is_partial);
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 48> text_;
  size_t size_ = 0;
};

}  // namespace trivet::shim
