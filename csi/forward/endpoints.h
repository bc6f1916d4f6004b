#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::csi {

/// Node id -> where its trivet-csi listens: "HOST:PORT", or "unix:/PATH" on this machine.
using Endpoints = std::map<std::string, std::string>;

/// Whether the address is a unix socket's, which needs no TLS.
bool IsUnix(std::string_view address);

/// The path of a unix socket's address.
std::filesystem::path SocketOf(std::string_view address);

/// Errors: kInvalidArgument for what is neither "HOST:PORT" nor "unix:/PATH".
Result<> CheckAddress(std::string_view address);

/// Of NAME=ADDRESS each. Errors: kInvalidArgument naming the entry and the reason; one name twice
/// is one.
Result<Endpoints> ParseEndpoints(const std::vector<std::string>& entries);

/// One NAME=ADDRESS a line; empty lines and those that start with # are none.
std::vector<std::string> EntriesOf(std::string_view text);

}  // namespace trivet::csi
