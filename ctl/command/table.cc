#include "ctl/command/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace trivet::ctl {

void PrintTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:{}}  ", row[i], widths[i]);
    }
    out << line << '\n';
  }
}

std::string Age(int64_t nanoseconds, int64_t now_nanoseconds) {
  const int64_t seconds = std::max<int64_t>(0, (now_nanoseconds - nanoseconds) / 1'000'000'000);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h{}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{}h", seconds / 86400, seconds / 3600 % 24);
}

int64_t NowNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string ShortId(const std::string& id) {
  const std::string plain = id.starts_with("sha256:") ? id.substr(7) : id;
  return plain.substr(0, 13);
}

}  // namespace trivet::ctl
