#include <unistd.h>

#include "common/base/json.h"
#include "common/base/text.h"
#include "common/linux/criu.h"
#include "common/linux/file.h"
#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {
namespace {

// The key of trivet-cri's configuration; what else is wrong there is the daemon's to say.
Result<std::filesystem::path> ConfiguredProgram(const Host& host) {
  const auto file = host.root / "etc/trivet/cri.json";
  std::string program = criu::kDefaultProgram;
  const auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound) return program;
  RETURN_IF_ERROR(text);
  ASSIGN_OR_RETURN(const json::Value config, json::ParseWithComments(*text), file.native());
  RETURN_IF_ERROR(json::ReadOptional(config, "criu", program), file.native());
  return program;
}

Result<RunOutput> Run(const std::filesystem::path& program, const char* argument) {
  constexpr RunLimits kLimits{.timeout = std::chrono::seconds(20)};
  return RunCommand(criu::CommandOf(program, {argument}), {}, kLimits);
}

// "Version: 3.17.1", and on lines of their own what it was built from.
Result<std::string> ReadVersion(const std::filesystem::path& program) {
  constexpr std::string_view kKey = "Version:";
  ASSIGN_OR_RETURN(const RunOutput run, Run(program, "--version"));
  const auto line = SplitAt(run.out, '\n').front();
  if (run.exit_code != 0 || !line.starts_with(kKey)) {
    return Fail(Code::kInternal, "{} --version exits with {} and says \"{}\"", program.native(),
                run.exit_code, line);
  }
  return std::string(WithoutBlanks(line.substr(kKey.size())));
}

// Whether it knows this kernel it says itself.
Result<Answer> ProbeCriu(const Host& host) {
  ASSIGN_OR_RETURN(const auto configured, ConfiguredProgram(host));
  const auto program = host.root / configured.relative_path();
  if (::access(program.c_str(), X_OK) != 0) {
    return Answer{State::kMissing, configured.native() + " is not installed"};
  }
  ASSIGN_OR_RETURN(const std::string version, ReadVersion(program));
  ASSIGN_OR_RETURN(const RunOutput check, Run(program, "check"));
  if (check.exit_code == 0) return Answer{.detail = version};
  return Fail(::geteuid() == 0 ? Code::kFailedPrecondition : Code::kPermissionDenied,
              "{}, and criu check exits with {}: {}", version, check.exit_code,
              criu::FindErrors(check.err));
}

}  // namespace

std::vector<Check> CheckpointChecks() {
  return {{"checkpoints", "CRIU", Need::kOptional,
           "CheckpointContainer and CheckpointPod, which are UNIMPLEMENTED without",
           "install a CRIU that knows this kernel, and name it as criu in cri.json", ProbeCriu}};
}

}  // namespace trivet::ctl::doctor
