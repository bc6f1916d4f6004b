#include "ctl/node/report.h"

#include <fmt/format.h>

#include "common/base/json.h"

namespace trivet::ctl {

void Report::Done(std::string_view step, std::string_view object, std::string_view detail,
                  Clock::time_point start) const {
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  if (json_) {
    *out_ << json::Write({{"step", step},
                          {"object", object},
                          {"detail", detail},
                          {"milliseconds", took.count()}})
          << std::endl;
    return;
  }
  *out_ << fmt::format("{:8.1f} ms  {} {}{}{}", took.count(), step, object,
                       detail.empty() ? "" : ": ", detail)
        << std::endl;
}

void Report::Warn(std::string_view text) const {
  if (json_) {
    *out_ << json::Write({{"warning", text}}) << std::endl;
  } else {
    *out_ << "warning: " << text << std::endl;
  }
}

}  // namespace trivet::ctl
