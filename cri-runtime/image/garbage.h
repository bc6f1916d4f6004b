#pragma once

#include "common/base/error.h"
#include "cri-runtime/image/catalog.h"
#include "cri-runtime/image/paths.h"
#include "cri-runtime/image/scratch_directory.h"

namespace trivet::image {

/// Moves layers that no entry refers to into `bin`, where they are not layers any more
/// however far their removal comes, and removes such blobs. No import may run meanwhile.
Result<> MoveGarbage(const Paths& paths, const Catalog& catalog, const ScratchDirectory& bin);

}  // namespace trivet::image
