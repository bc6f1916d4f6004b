#pragma once

#include <filesystem>
#include <optional>
#include <ostream>

#include "common/base/error.h"
#include "ctl/command/target.h"

namespace trivet::ctl {

struct LogOptions {
  bool follow = false;
  std::optional<size_t> tail;  // only the last lines
  bool timestamps = false;
};

/// Where a container's two streams go.
struct LogOutput {
  std::ostream& out;
  std::ostream& err;
};

/// `trivetctl logs POD`: the container's CRI log, until now or, followed, until it ends.
Result<> PrintLogs(const std::filesystem::path& cri_socket, const TargetName& name,
                   const LogOptions& options);

/// Prints a log's lines, complete ones only; returns how many bytes they were.
/// Errors: kDataLoss for a line that is none of a CRI log.
Result<size_t> PrintLogText(std::string_view text, const LogOptions& options, LogOutput output);

}  // namespace trivet::ctl
