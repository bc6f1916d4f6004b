#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/unique_fd.h"

namespace trivet::image {

/// Whether symbolic links on the way may be followed (they still cannot lead out).
enum class Links { kRefuse, kFollow };

/// openat2(2) that cannot leave the folder `directory_fd`: no "..", no absolute path or link,
/// no other mount. Invalid with errno when it fails: ELOOP for a link that is refused, EXDEV for
/// a path that leads out.
UniqueFd OpenBeneath(int directory_fd, const std::string& path, int flags,
                     Links links = Links::kRefuse);

}  // namespace trivet::image
