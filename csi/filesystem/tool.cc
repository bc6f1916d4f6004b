#include "csi/filesystem/tool.h"

#include <unistd.h>

#include <string_view>

#include "common/linux/command.h"

namespace trivet::csi {
namespace {

std::string LastLine(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  const size_t start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

}  // namespace

Result<std::filesystem::path> FindProgram(const std::string& name) {
  for (const std::filesystem::path folder : {"/usr/sbin", "/sbin", "/usr/bin", "/bin"}) {
    if (::access((folder / name).c_str(), X_OK) == 0) return folder / name;
  }
  return Fail(Code::kUnavailable, "this node has no {}", name);
}

Result<ToolOutcome> RunTool(const std::vector<std::string>& argv, std::chrono::seconds deadline) {
  constexpr size_t kOutputBytes = 16 << 10;
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindProgram(argv.at(0)));
  const Command command{
      .program = program,
      .args = {argv.begin() + 1, argv.end()},
      .environment = {{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}},
  };
  ASSIGN_OR_RETURN(const RunOutput output,
                   RunCommand(command, {}, {.timeout = deadline, .output_bytes = kOutputBytes}),
                   argv.at(0));
  return ToolOutcome{output.exit_code, LastLine(output.err.empty() ? output.out : output.err)};
}

Result<> RunToolChecked(const std::vector<std::string>& argv, std::chrono::seconds deadline) {
  ASSIGN_OR_RETURN(const ToolOutcome outcome, RunTool(argv, deadline));
  if (outcome.exit_status == 0) return {};
  return Fail(Code::kInternal, "{}: exit status {}: {}", argv.at(0), outcome.exit_status,
              outcome.said);
}

}  // namespace trivet::csi
