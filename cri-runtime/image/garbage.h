#pragma once

#include "common/base/error.h"
#include "cri-runtime/image/catalog.h"
#include "cri-runtime/image/paths.h"
#include "cri-runtime/image/scratch_directory.h"

namespace trivet::image {

/// Moves layers and blobs that no entry refers to into a folder of their own, where they are none
/// any more however far their removal comes. That may take long: the caller lets the folder go when
/// nobody waits for it. No import may run meanwhile.
Result<ScratchDirectory> MoveGarbage(const Paths& paths, const Catalog& catalog);

}  // namespace trivet::image
