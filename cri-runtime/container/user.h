#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/image/image.h"

namespace trivet::container {

/// The texts of the image's /etc/passwd and /etc/group; empty when it has none.
/// A stranger's input: lines that are not well-formed are passed over.
struct Accounts {
  std::string passwd;
  std::string group;
};

/// Who a container runs as: what its configuration says, else what the image says, else root. A
/// number is never looked up as a name. With GroupsPolicy::kMerge the groups that /etc/group gives
/// the user are added.
/// Errors: kInvalidArgument for a name that the image does not know, for a group without a user.
/// Source: CRI, LinuxContainerSecurityContext.
Result<User> ResolveUser(const Security& security, const image::User& image_user,
                         const Accounts& accounts);

/// Reads them out of a container's root; links are followed inside of it only.
/// Errors: those of the kernel; absent files are empty.
Result<Accounts> ReadAccounts(int root_fd);

}  // namespace trivet::container
