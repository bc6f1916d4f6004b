#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace trivet::image {

/// Who owns a file of a layer and what may be done with it.
struct Metadata {
  uint32_t mode = 0755;  // permissions with setuid, setgid and sticky
  uint32_t uid = 0;
  uint32_t gid = 0;
  timespec mtime{};
  std::vector<std::pair<std::string, std::string>> xattrs;
};

/// What becomes of an extended attribute that an image brings.
enum class XattrRule {
  kKeep,    // security.capability, POSIX ACLs, user.*
  kDrop,    // labels that the node's own policy gives: security.selinux, security.ima, security.evm
  kRefuse,  // trusted.* would speak to overlayfs in our name; anything unknown
};
XattrRule RuleFor(const std::string& xattr);

/// Gives an open file or folder its owner, attributes, permissions and time, in the
/// order the kernel needs: chown clears setuid and capabilities.
/// Errors: the kernel's.
Result<> ApplyMetadata(int fd, const Metadata& metadata);

/// The metadata of an open folder of a lower layer, without overlay's own attributes.
Result<Metadata> ReadMetadata(int fd);

}  // namespace trivet::image
