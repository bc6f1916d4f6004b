#pragma once

#include <chrono>
#include <ostream>
#include <string>
#include <string_view>

namespace trivet::ctl {

/// Says what was done and how long it took, one line each: for people
/// "   12.3 ms  sandbox notes/server: 10.88.0.5", or one JSON object per line.
class Report {
 public:
  using Clock = std::chrono::steady_clock;

  /// `out` is borrowed.
  Report(std::ostream& out, bool json) : out_(&out), json_(json) {}

  /// A step that began at `start` is done.
  void Done(std::string_view step, std::string_view object, std::string_view detail,
            Clock::time_point start) const;
  /// Something that the reader should know.
  void Warn(std::string_view text) const;

 private:
  std::ostream* out_;
  bool json_;
};

}  // namespace trivet::ctl
