#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/linux/command.h"

/// How CRIU is started and read: https://criu.org.
namespace trivet::criu {

/// Where distributions have it.
constexpr const char* kDefaultProgram = "/usr/sbin/criu";

/// With an environment of its own: it starts tar for what is in memory file systems.
Command CommandOf(const std::filesystem::path& program, std::vector<std::string> args);

/// The first errors in its log, "; " between them, without what it does not mind itself.
std::string FindErrors(std::string_view log);

}  // namespace trivet::criu
