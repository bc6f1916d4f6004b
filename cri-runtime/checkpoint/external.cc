#include "cri-runtime/checkpoint/external.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::checkpoint {
namespace {

struct MountLine {
  std::string_view device;  // "8:1"
  std::string_view root;    // the folder of the file system that is seen
  std::string point;
  std::string_view type;
};

// "\040" is a blank: the kernel writes blanks, tabs, line ends and backslashes so.
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view code = text.substr(i + 1, 3);
    const bool octal = text[i] == '\\' && code.size() == 3 &&
                       std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '7'; });
    if (!octal) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>((code[0] - '0') * 64 + (code[1] - '0') * 8 + (code[2] - '0'));
    i += code.size();
  }
  return plain;
}

// "36 35 98:0 /root /point rw shared:7 - type source options"
std::optional<MountLine> ParseMountLine(std::string_view line) {
  constexpr std::string_view kEnd = " - ";
  const size_t end = line.find(kEnd);
  const auto fields = SplitAt(line, ' ');
  if (end == std::string_view::npos || fields.size() < 5) return std::nullopt;
  const std::string_view rest = line.substr(end + kEnd.size());
  return MountLine{fields[2], fields[3], Unescaped(fields[4]), rest.substr(0, rest.find(' '))};
}

// What CRIU makes anew from its own images.
bool IsKnown(const MountLine& mount) {
  constexpr std::array<std::string_view, 4> kKnown{"proc", "sysfs", "tmpfs", "mqueue"};
  // /dev/console is a terminal of it, whose other end is not in the container.
  if (mount.type == "devpts") return mount.root == "/";
  return std::ranges::find(kKnown, mount.type) != kKnown.end();
}

Result<ino_t> InodeOf(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return FailErrno("stat {}", file);
  return status.st_ino;
}

// "NSpid: 812 1": the last is the number in the innermost namespace. Source: man 5 proc.
Result<bool> IsFirstOfItsNamespace(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string status, ReadFile(fmt::format("/proc/{}/status", pid)));
  for (const std::string_view line : SplitAt(status, '\n')) {
    if (!line.starts_with("NSpid:")) continue;
    return SplitWords(line).back() == "1";
  }
  return Fail(Code::kInternal, "/proc/{}/status has no NSpid", pid);
}

// The terminal that is the standard input, or "".
std::string FindTerminal(const std::string& proc) {
  constexpr unsigned kFirstPty = 136;  // UNIX98_PTY_SLAVE_MAJOR of linux/major.h, and 7 more
  constexpr unsigned kLastPty = 143;
  struct stat status{};
  if (::stat((proc + "/fd/0").c_str(), &status) != 0) return std::string();  // it has none
  const unsigned number = major(status.st_rdev);
  const bool terminal = S_ISCHR(status.st_mode) && number >= kFirstPty && number <= kLastPty;
  if (!terminal) return std::string();
  return fmt::format("tty[{:x}:{:x}]", status.st_rdev, status.st_dev);
}

}  // namespace

std::vector<std::string> FindExternalMounts(std::string_view container, std::string_view node) {
  std::set<std::string_view> devices;
  for (const std::string_view line : SplitAt(node, '\n')) {
    if (const auto mount = ParseMountLine(line)) devices.insert(mount->device);
  }
  std::set<std::string> external;
  for (const std::string_view line : SplitAt(container, '\n')) {
    const auto mount = ParseMountLine(line);
    if (!mount || mount->point == "/") continue;
    if (IsKnown(*mount) && !devices.contains(mount->device)) continue;
    external.insert(fmt::format("mnt[{0}]:{0}", mount->point));
  }
  return {external.begin(), external.end()};
}

Result<std::vector<std::string>> FindExternal(pid_t pid) {
  const std::string proc = fmt::format("/proc/{}", pid);
  ASSIGN_OR_RETURN(const std::string mounts, ReadFile(proc + "/mountinfo"));
  ASSIGN_OR_RETURN(const std::string node_mounts, ReadFile("/proc/self/mountinfo"));
  std::vector<std::string> external = FindExternalMounts(mounts, node_mounts);
  for (const char* type : {"net", "pid"}) {
    ASSIGN_OR_RETURN(const ino_t inode, InodeOf(fmt::format("{}/ns/{}", proc, type)));
    ASSIGN_OR_RETURN(const ino_t node_inode, InodeOf(fmt::format("/proc/self/ns/{}", type)));
    if (inode == node_inode) continue;  // nothing to say about the node's own
    ASSIGN_OR_RETURN(const bool first, IsFirstOfItsNamespace(pid));
    if (std::string_view(type) == "pid" && first) continue;
    external.push_back(fmt::format("{}[{}]:pod", type, inode));
  }
  if (const std::string terminal = FindTerminal(proc); !terminal.empty()) {
    external.push_back(terminal);
  }
  return external;
}

}  // namespace trivet::checkpoint
