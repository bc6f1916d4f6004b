#include "common/linux/pressure.h"

#include <cstdio>
#include <sstream>
#include <string>

namespace trivet {

Result<Pressure> ParsePressure(std::string_view text) {
  Pressure pressure;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    PressureLine read;
    char kind[8] = {};
    unsigned long long total_us = 0;
    const int fields = std::sscanf(line.c_str(), "%7s avg10=%lf avg60=%lf avg300=%lf total=%llu",
                                   kind, &read.avg10, &read.avg60, &read.avg300, &total_us);
    const std::string_view name = kind;
    if (fields != 5 || (name != "some" && name != "full")) {
      return Fail(Code::kInternal, "pressure: unexpected \"{}\"", line);
    }
    read.total_us = total_us;
    (name == "some" ? pressure.some : pressure.full) = read;
  }
  return pressure;
}

}  // namespace trivet
