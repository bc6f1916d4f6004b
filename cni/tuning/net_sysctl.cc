#include "cni/tuning/net_sysctl.h"

#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "common/linux/path_in_root.h"

namespace trivet::cni {
namespace {

constexpr const char* kNetFolder = "/proc/sys/net";

Result<UniqueFd> OpenNetSysctl(const std::string& path, int flags) {
  const UniqueFd folder(::open(kNetFolder, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return FailErrno("open {}", kNetFolder);
  return OpenInRoot(folder.get(), path, flags | O_NOFOLLOW | O_CLOEXEC);
}

/// A compiled POSIX extended regular expression.
class ExtendedRegex {
 public:
  explicit ExtendedRegex(const std::string& text)
      : error_(::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
  ~ExtendedRegex() {
    if (error_ == 0) ::regfree(&compiled_);
  }
  ExtendedRegex(const ExtendedRegex&) = delete;
  ExtendedRegex& operator=(const ExtendedRegex&) = delete;
  [[nodiscard]] bool valid() const { return error_ == 0; }
  [[nodiscard]] bool Matches(const std::string& text) const {
    return ::regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
  const int error_;
};

// What Go's expressions have and these read as something else, which might be wider: \d, (?i), a
// backslash in brackets.
bool HasForeignSyntax(const std::string& line) {
  bool in_brackets = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char next = i + 1 < line.size() ? line[i + 1] : '\0';
    if (line[i] == '\\') {
      if (in_brackets || std::isalnum(static_cast<unsigned char>(next)) != 0) return true;
      ++i;
    } else if (!in_brackets && line[i] == '(' && next == '?') {
      return true;
    } else if (line[i] == '[' || line[i] == ']') {
      in_brackets = line[i] == '[';
    }
  }
  return false;
}

}  // namespace

Result<std::string> NetSysctlPath(std::string_view name, const std::string& ifname) {
  std::string path(name);
  std::replace(path.begin(), path.end(), '.', '/');
  constexpr std::string_view kPlaceholder = "IFNAME";
  // After the dots: an interface's name may have some of its own.
  if (const size_t at = path.find(kPlaceholder); at != std::string::npos) {
    path.replace(at, kPlaceholder.size(), ifname);
  }
  const std::vector<std::string_view> parts = SplitAt(path, '/');
  const bool good = std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && part != "." && part != ".." &&
           std::none_of(part.begin(), part.end(), [](unsigned char c) { return std::iscntrl(c); });
  });
  constexpr std::string_view kPrefix = "net/";
  if (!good || parts.size() < 2 || !path.starts_with(kPrefix)) {
    return Fail(Code::kInvalidArgument, "'{}' is no setting of the network (net.…)", name);
  }
  return path.substr(kPrefix.size());
}

Result<std::string> ReadNetSysctl(const std::string& path) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenNetSysctl(path, O_RDONLY), "sysctl net/" + path);
  ASSIGN_OR_RETURN(std::string value, ReadAll(fd.get(), "sysctl net/" + path));
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

Result<> WriteNetSysctl(const std::string& path, std::string_view value) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenNetSysctl(path, O_WRONLY), "sysctl net/" + path);
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return FailErrno("write '{}' to sysctl net/{}", value, path);
  }
  return {};
}

bool IsSameSysctlValue(std::string_view left, std::string_view right) {
  return SplitWords(left) == SplitWords(right);
}

Result<> CheckSysctlIsAllowed(const std::filesystem::path& file, const std::string& name) {
  const auto content = ReadFile(file);
  if (!content && content.error().code() == Code::kNotFound) return {};
  if (!content) return Fail(Code::kFailedPrecondition, "{}", content.error().message());
  for (const std::string_view line : SplitAt(*content, '\n')) {
    const std::string text(WithoutBlanks(line));
    if (text.empty()) continue;
    const ExtendedRegex expression(text);
    if (!expression.valid() || HasForeignSyntax(text)) {
      return Fail(Code::kFailedPrecondition, "{}: '{}' is no extended regular expression",
                  file.native(), text);
    }
    if (expression.Matches(name)) return {};
  }
  return Fail(Code::kPermissionDenied, "sysctl: {} is not allowed by {}", name, file.native());
}

}  // namespace trivet::cni
