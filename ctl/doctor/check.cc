#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {
namespace {

Answer AnswerOf(const Check& check, const Host& host) {
  auto answer = check.probe(host);
  if (answer) return *std::move(answer);
  const bool forbidden = answer.error().code() == Code::kPermissionDenied;
  return {.state = forbidden ? State::kUnknown : State::kMissing,
          .detail = (forbidden ? "needs root to try: " : "") + answer.error().message()};
}

void Append(std::vector<Check>& all, std::vector<Check> some) {
  for (Check& check : some) all.push_back(std::move(check));
}

}  // namespace

std::vector<Finding> Examine(const std::vector<Check>& checks, const Host& host) {
  std::vector<Finding> findings;
  for (const Check& check : checks) {
    findings.push_back({.area = check.area,
                        .what = check.what,
                        .need = check.need,
                        .needed_for = check.needed_for,
                        .fix = check.fix,
                        .answer = AnswerOf(check, host)});
  }
  return findings;
}

std::vector<Check> AllChecks() {
  std::vector<Check> all;
  Append(all, KernelChecks());
  Append(all, NamespaceChecks());
  Append(all, CgroupChecks());
  Append(all, NetworkChecks());
  Append(all, FileSystemChecks());
  Append(all, SecurityChecks());
  Append(all, SysctlChecks());
  Append(all, CheckpointChecks());
  return all;
}

}  // namespace trivet::ctl::doctor
