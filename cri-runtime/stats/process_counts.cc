#include "cri-runtime/stats/process_counts.h"

#include <string>

#include "common/linux/file.h"

namespace trivet::stats {
namespace {

void CountDescriptors(const std::filesystem::path& process, ProcessCounts& counts) {
  std::error_code error;
  std::filesystem::directory_iterator entries(process / "fd", error);
  while (!error && entries != std::filesystem::directory_iterator()) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entries->path(), gone);
    ++counts.file_descriptors;
    if (!gone && target.native().starts_with("socket:")) ++counts.sockets;
    entries.increment(error);
  }
}

// "Max open files            1024                 524288               files"
std::optional<uint64_t> OpenFilesLimit(const std::filesystem::path& process) {
  constexpr std::string_view kName = "Max open files";
  const auto text = ReadFile(process / "limits");
  const size_t at = text ? text->find(kName) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  char* end = nullptr;
  const char* begin = text->c_str() + at + kName.size();
  const uint64_t limit = std::strtoull(begin, &end, 10);
  return end == begin ? std::nullopt : std::optional(limit);  // "unlimited"
}

}  // namespace

ProcessCounts CountProcesses(const std::vector<pid_t>& pids, const std::filesystem::path& proc) {
  ProcessCounts counts;
  for (const pid_t pid : pids) {
    const std::filesystem::path process = proc / std::to_string(pid);
    if (pid <= 0 || !std::filesystem::exists(process)) continue;
    if (counts.processes++ == 0) counts.open_files_limit = OpenFilesLimit(process);
    CountDescriptors(process, counts);
  }
  return counts;
}

}  // namespace trivet::stats
