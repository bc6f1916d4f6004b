#include "common/base/utc_time.h"

#include <time.h>

#include <cstdio>

namespace trivet {

UtcTime::UtcTime(int64_t unix_ns) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  const time_t seconds = unix_ns / kNanoseconds;
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  const size_t date = ::strftime(text_.data(), text_.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const int rest = std::snprintf(text_.data() + date, text_.size() - date, ".%09dZ",
                                 static_cast<int>(unix_ns % kNanoseconds));
  size_ = date + static_cast<size_t>(rest);
}

}  // namespace trivet
