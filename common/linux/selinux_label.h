#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

/// SELinux labels of containers and of their files. Nothing here links libselinux: the kernel's own
/// files say all that is needed.
namespace trivet::selinux {

/// A security context, "user:role:type" or with MLS "user:role:type:level", of which the level may
/// have colons. As what a request asks for each part may be empty: not said.
struct Label {
  std::string user;
  std::string role;
  std::string type;
  std::string level;

  [[nodiscard]] bool empty() const {
    return user.empty() && role.empty() && type.empty() && level.empty();
  }
  bool operator==(const Label&) const = default;
};

template <class Codec>
void Fields(Codec& c, Label& m) {
  c("user", m.user), c("role", m.role), c("type", m.type), c("level", m.level);
}

/// Labels of a container as the kernel takes them; empty: the kernel decides.
struct Labels {
  std::string process;
  std::string file;  // of the root and the mounts that are the container's own
};

template <class Codec>
void Fields(Codec& c, Labels& m) {
  c("process", m.process), c("file", m.file);
}

/// Errors: kInvalidArgument for less than three parts.
Result<Label> ParseLabel(std::string_view text);

/// As the kernel takes it; empty for an empty label.
std::string TextOf(const Label& label);

/// `base` with the parts that `options` names in place of its own.
Label Override(const Label& base, const Label& options);

/// Whether each part is one: no part has white space or a control character, only the level has
/// colons. Whether the policy knows them is Policy::Check. Errors: kInvalidArgument naming the
/// part.
Result<> CheckParts(const Label& options);

}  // namespace trivet::selinux
