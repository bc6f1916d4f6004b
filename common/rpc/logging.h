#pragma once

#include <memory>
#include <string>

namespace spdlog {
class formatter;
}

namespace trivet::rpc {

/// "2026-11-28T04:43:51.123+00:00 level=info text": one entry is one line. Control characters of
/// the text are escaped, because it may quote what an image or a client says.
std::unique_ptr<spdlog::formatter> MakeLogFormatter();

/// The default logger of a daemon: to standard error, in that form.
void StartLogging(const std::string& name);

}  // namespace trivet::rpc
