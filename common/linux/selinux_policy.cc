#include "common/linux/selinux_policy.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::selinux {
namespace {

// Calls `use(key, value)` for each line KEY = VALUE, of which the value may be in quotes.
template <class Use>
void ForEachSetting(std::string_view text, Use use) {
  for (const std::string_view row : SplitAt(text, '\n')) {
    const std::string_view line = WithoutBlanks(row);
    const size_t equals = line.find('=');
    if (line.empty() || line[0] == '#' || line[0] == ';' || equals == std::string_view::npos) {
      continue;
    }
    std::string_view value = WithoutBlanks(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    use(WithoutBlanks(line.substr(0, equals)), value);
  }
}

// An absent file says nothing.
Result<std::string> ReadIfThere(const std::filesystem::path& file) {
  auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound) return std::string();
  return text;
}

// Before a policy is loaded every process has the label "kernel".
bool IsPolicyLoaded(const std::filesystem::path& root) {
  if (!ReadFile(root / "sys/fs/selinux/enforce")) return false;
  const auto own = ReadFile(root / "proc/self/attr/current");
  return own && std::string_view(own->c_str()) != "kernel";
}

// Of container-selinux, or else of the policy itself. Source: opencontainers/selinux, and man 5
// selinux_config.
Result<Defaults> ReadDefaults(const std::filesystem::path& root) {
  const std::filesystem::path own = "usr/share/containers/selinux/contexts";
  ASSIGN_OR_RETURN(std::string text, ReadIfThere(root / own));
  if (!text.empty()) {
    ASSIGN_OR_RETURN(Defaults defaults, ParseDefaults(text), (root / own).native());
    return defaults;
  }
  ASSIGN_OR_RETURN(const std::string config, ReadIfThere(root / "etc/selinux/config"));
  std::string type;
  ForEachSetting(config, [&](std::string_view key, std::string_view value) {
    if (key == "SELINUXTYPE") type = value;
  });
  if (type.empty() || type.find('/') != std::string::npos) return Defaults{};
  const auto file = root / "etc/selinux" / type / "contexts/lxc_contexts";
  ASSIGN_OR_RETURN(text, ReadIfThere(file));
  ASSIGN_OR_RETURN(Defaults defaults, ParseDefaults(text), file.native());
  return defaults;
}

}  // namespace

Result<Defaults> ParseDefaults(std::string_view text) {
  Defaults defaults;
  Result<> status;
  ForEachSetting(text, [&](std::string_view key, std::string_view value) {
    if (!status || (key != "process" && key != "file")) return;
    auto label = ParseLabel(value);
    if (!label) {
      status = std::unexpected(std::move(label).error().Wrap(std::string(key)));
    } else {
      (key == "process" ? defaults.process : defaults.file) = *std::move(label);
    }
  });
  RETURN_IF_ERROR(status);
  return defaults;
}

Result<Mode> ParseMode(std::string_view text) {
  if (text == "auto") return Mode::kAuto;
  if (text == "enabled") return Mode::kEnabled;
  if (text == "disabled") return Mode::kDisabled;
  return Fail(Code::kInvalidArgument, "unexpected \"{}\": auto, enabled or disabled", text);
}

Result<Policy> Policy::Open(Mode mode, std::filesystem::path root) {
  Policy policy;
  policy.root_ = std::move(root);
  policy.enabled_ = mode != Mode::kDisabled && IsPolicyLoaded(policy.root_);
  if (mode == Mode::kEnabled && !policy.enabled_) {
    return Fail(Code::kFailedPrecondition, "SELinux is not enabled on this node");
  }
  if (!policy.enabled_) return policy;
  const auto mls = ReadFile(policy.root_ / "sys/fs/selinux/mls");
  policy.has_levels_ = mls && mls->starts_with('1');
  ASSIGN_OR_RETURN(policy.defaults_, ReadDefaults(policy.root_));
  return policy;
}

Result<> Policy::Check(const Label& label) const {
  const std::string text = TextOf(label);
  auto known = WriteControlFile(root_ / "sys/fs/selinux/context", text);
  if (known || known.error().code() != Code::kInvalidArgument) return known;
  return Fail(Code::kInvalidArgument, "the node's SELinux policy has no label {}", text);
}

}  // namespace trivet::selinux
