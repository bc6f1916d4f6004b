#include "ctl/doctor/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json.h"

namespace trivet::ctl::doctor {
namespace {

constexpr std::string_view NameOf(State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kLimited:
      return "limited";
    case State::kMissing:
      return "missing";
    case State::kUnknown:
      return "unknown";
  }
  return "";
}

size_t Count(const std::vector<Finding>& findings, State state) {
  return static_cast<size_t>(std::ranges::count_if(
      findings, [&](const Finding& finding) { return finding.answer.state == state; }));
}

std::string Line(const Finding& finding) {
  const std::string& detail = finding.answer.detail;
  return fmt::format("{:8} {}{}{}; for {}{}\n", NameOf(finding.answer.state), finding.what,
                     detail.empty() ? "" : ": ", detail, finding.needed_for,
                     finding.need == Need::kOptional ? "" : " (every pod needs it)");
}

}  // namespace

bool IsUsable(const std::vector<Finding>& findings) {
  return std::ranges::none_of(findings, &Finding::IsFatal);
}

void PrintText(std::ostream& out, const std::vector<Finding>& findings) {
  std::string area;
  for (const Finding& finding : findings) {
    if (finding.area != area) out << (area.empty() ? "" : "\n") << finding.area << '\n';
    area = finding.area;
    out << "  " << Line(finding);
    if (finding.answer.state != State::kOk) out << "           fix: " << finding.fix << '\n';
  }
  out << fmt::format("\n{} ok, {} limited, {} missing, {} unknown: this node {} run pods\n",
                     Count(findings, State::kOk), Count(findings, State::kLimited),
                     Count(findings, State::kMissing), Count(findings, State::kUnknown),
                     IsUsable(findings) ? "can" : "cannot");
}

void PrintJson(std::ostream& out, const std::vector<Finding>& findings) {
  json::Value list = json::Value::array();
  for (const Finding& finding : findings) {
    list.push_back({{"area", finding.area},
                    {"what", finding.what},
                    {"state", NameOf(finding.answer.state)},
                    {"required", finding.need == Need::kRequired},
                    {"detail", finding.answer.detail},
                    {"neededFor", finding.needed_for},
                    {"fix", finding.fix}});
  }
  out << json::WritePretty({{"usable", IsUsable(findings)}, {"findings", std::move(list)}});
}

}  // namespace trivet::ctl::doctor
