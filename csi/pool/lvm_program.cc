#include "csi/pool/lvm_program.h"

#include <unistd.h>

#include <algorithm>

#include "common/linux/command.h"
#include "csi/filesystem/tool.h"

namespace trivet::csi::lvm {
namespace {

constexpr auto kDeadline = std::chrono::minutes(2);
constexpr auto kFresh = std::chrono::seconds(5);
constexpr size_t kOutputBytes = size_t{16} << 20;

// Where there is no udev, waiting for it would be for ever.
std::vector<std::string> Environment() {
  std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                          "LVM_SUPPRESS_FD_WARNINGS=1"};
  if (::access("/run/udev/control", F_OK) != 0) environment.emplace_back("DM_DISABLE_UDEV=1");
  return environment;
}

// Its lines, without those that are no reason.
std::string LastWords(std::string_view text) {
  std::string words;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty() || line.starts_with("WARNING:")) continue;
    if (!words.empty()) words += "; ";
    words += line;
  }
  return words;
}

}  // namespace

std::string Mangled(std::string_view name) {
  std::string mangled;
  for (const char c : name) {
    mangled += c;
    if (c == '-') mangled += c;
  }
  return mangled;
}

Code CodeOf(std::string_view said) {
  const auto says = [&](std::string_view words) {
    return said.find(words) != std::string_view::npos;
  };
  if (says("nsufficient free space") || says("nsufficient suitable") || says("reached threshold")) {
    return Code::kResourceExhausted;
  }
  if (says("not found") || says("Failed to find logical volume")) return Code::kNotFound;
  if (says("already exists")) return Code::kAlreadyExists;
  if (says("in use") || says("is used by")) return Code::kFailedPrecondition;
  return Code::kInternal;
}

Result<std::unique_ptr<Program>> Program::Find(const std::filesystem::path& program,
                                               const std::string& group) {
  if (!program.empty()) return std::unique_ptr<Program>(new Program(program, group));
  ASSIGN_OR_RETURN(std::filesystem::path found, FindProgram("lvm"));
  return std::unique_ptr<Program>(new Program(std::move(found), group));
}

std::filesystem::path Program::DeviceOf(const std::string& volume) const {
  return std::filesystem::path("/dev/mapper") / (Mangled(group_) + "-" + Mangled(volume));
}

Result<std::string> Program::Run(const std::vector<std::string>& arguments) const {
  const Command command{.program = program_, .args = arguments, .environment = Environment()};
  ASSIGN_OR_RETURN(RunOutput output,
                   RunCommand(command, {}, {.timeout = kDeadline, .output_bytes = kOutputBytes}),
                   program_.native());
  if (output.exit_code == 0) return std::move(output.out);
  const std::string said = LastWords(output.err);
  return Fail(CodeOf(said), "{}: exit status {}: {}", arguments.at(0), output.exit_code, said);
}

Result<std::shared_ptr<const Report>> Program::Look() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (last_ && now - last_looked_ < kFresh) return last_;
  const auto look = [&](const char* command, const char* columns) {
    return Run(
        {command, "--reportformat", "json", "--units", "b", "--nosuffix", "-o", columns, group_});
  };
  ASSIGN_OR_RETURN(const std::string group, look("vgs", kGroupColumns));
  ASSIGN_OR_RETURN(const std::string volumes, look("lvs", kVolumeColumns));
  Report report;
  ASSIGN_OR_RETURN(report.group, ParseGroup(group));
  ASSIGN_OR_RETURN(report.volumes, ParseVolumes(volumes));
  last_ = std::make_shared<const Report>(std::move(report));
  last_looked_ = now;
  return last_;
}

Result<> Program::Change(const std::vector<std::string>& arguments) {
  const std::lock_guard lock(mutex_);
  last_.reset();
  RETURN_IF_ERROR(Run(arguments));
  return {};
}

}  // namespace trivet::csi::lvm
