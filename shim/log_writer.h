#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "shim/log_file.h"
#include "shim/log_line.h"

namespace trivet::shim {

/// Turns one output stream of a container into lines of its log. Holds at most the start of one
/// line; the memory does not grow with what comes.
class LogWriter {
 public:
  LogWriter(LogFile& file, LogStream stream) : file_(file), stream_(stream) {}

  /// Takes what was read at `time_ns` (Unix time). Complete lines are written at once.
  void Take(std::string_view text, int64_t time_ns);
  /// The stream has ended: what is left is written as a partial line, as it had no end.
  void Finish(int64_t time_ns);

 private:
  struct Batch;
  void Add(Batch& batch, std::string_view text, bool is_partial);
  void Keep(std::string_view text);

  LogFile& file_;
  LogStream stream_;
  std::array<char, kMaxLineBytes> start_;  // of a line that has no end yet
  size_t start_size_ = 0;
};

}  // namespace trivet::shim
