#include "shim/log_line.h"

#include <algorithm>

#include "common/base/utc_time.h"

namespace trivet::shim {

LogLineHeader::LogLineHeader(int64_t time_ns, LogStream stream, bool is_partial) {
  char* end = text_.data();
  const auto append = [&end](std::string_view part) { end = std::ranges::copy(part, end).out; };
  append(UtcTime(time_ns).text());
  append(stream == LogStream::kStdout ? " stdout " : " stderr ");
  append(is_partial ? "P " : "F ");
  size_ = static_cast<size_t>(end - text_.data());
}

}  // namespace trivet::shim
