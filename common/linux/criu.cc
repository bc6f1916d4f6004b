#include "common/linux/criu.h"

#include <fmt/ranges.h>

#include "common/base/text.h"

namespace trivet::criu {

Command CommandOf(const std::filesystem::path& program, std::vector<std::string> args) {
  return {.program = program,
          .args = std::move(args),
          .environment = {{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                           "LC_ALL=C", "HOME=/"}},
          .name = "criu"};
}

std::string FindErrors(std::string_view log) {
  constexpr std::string_view kMark = "Error (";
  constexpr size_t kMostErrors = 4;
  // CRIU says so wherever it may not raise its own limit, and goes on.
  constexpr std::string_view kHarmless = "rlimit:";
  std::vector<std::string_view> errors;
  for (const std::string_view line : SplitAt(log, '\n')) {
    const size_t mark = line.find(kMark);
    const size_t text = line.find("): ", mark);
    if (mark == std::string_view::npos || text == std::string_view::npos) continue;
    const std::string_view said = line.substr(text + 3);
    if (!said.starts_with(kHarmless) && errors.size() < kMostErrors) errors.push_back(said);
  }
  return fmt::format("{}", fmt::join(errors, "; "));
}

}  // namespace trivet::criu
