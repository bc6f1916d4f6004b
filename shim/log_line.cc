#include "shim/log_line.h"

#include <time.h>

#include <cstdio>

namespace trivet::shim {

LogLineHeader::LogLineHeader(int64_t time_ns, LogStream stream, bool is_partial) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  const time_t seconds = time_ns / kNanoseconds;
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  const size_t date = ::strftime(text_.data(), text_.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const int rest =
      std::snprintf(text_.data() + date, text_.size() - date, ".%09dZ %s %c ",
                    static_cast<int>(time_ns % kNanoseconds),
                    stream == LogStream::kStdout ? "stdout" : "stderr", is_partial ? 'P' : 'F');
  size_ = date + static_cast<size_t>(rest);
}

}  // namespace trivet::shim
