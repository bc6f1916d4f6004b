#pragma once

#include <string_view>

#include "common/base/error.h"

namespace trivet::ctl {

/// One line of a CRI log: "2026-11-23T11:00:00.000000000Z stdout F text".
/// Source: Kubernetes, "kubelet CRI logging", log format.
struct LogLine {
  std::string_view time;
  bool is_stderr = false;
  bool partial = false;  // the text goes on in the next line of the same stream
  std::string_view text;
};

/// `line` without its line feed; the result borrows from it. Errors: kDataLoss.
Result<LogLine> ParseLogLine(std::string_view line);

}  // namespace trivet::ctl
