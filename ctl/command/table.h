#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace trivet::ctl {

/// Prints rows in columns as wide as their widest cell; the first row is the heading.
void PrintTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

/// "3m20s", "2h5m": how long ago `nanoseconds` (since the epoch) was at `now_nanoseconds`.
std::string Age(int64_t nanoseconds, int64_t now_nanoseconds);
/// Nanoseconds since the epoch, as CRI counts.
int64_t NowNanoseconds();

/// The first 13 characters: enough to name it.
std::string ShortId(const std::string& id);

}  // namespace trivet::ctl
