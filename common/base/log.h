#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace trivet {

enum class LogLevel { kInfo, kWarning, kError };

/// `text` with its control characters as "\x0a": it cannot end a line or speak to a terminal.
std::string EscapeControls(std::string_view text);

/// One line to stderr in one write(2): "trivet-shim: error: ...". For the
/// programs that must stay small (cni, shim); the daemons use spdlog.
/// Control characters of `message` are escaped: it may quote a container's words.
void WriteLogLine(LogLevel level, std::string_view program, std::string_view message);

}  // namespace trivet
