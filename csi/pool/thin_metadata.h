#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/extents.h"

/// Where the blocks of a thin volume are, from its pool's metadata. `pool` is the pool's device as
/// lvm2 names it, "/dev/mapper/vg-pool". Source: thin_dump(8); Linux,
/// Documentation/admin-guide/device-mapper/thin-provisioning.rst.
namespace trivet::csi::thin_metadata {

/// What the volume with this number has written, in ascending order; what it shares with another
/// volume of the pool has the same place. The pool goes on working meanwhile: a metadata snapshot
/// is read, of which a pool has one at a time.
/// Errors: kUnimplemented without thin-provisioning-tools; kAborted while another holds it.
Result<std::vector<Extent>> Read(const std::filesystem::path& pool, uint32_t thin_id);

/// Gives a metadata snapshot back that a process which was killed has left; none is fine.
void Release(const std::filesystem::path& pool);

/// What thin_dump says of one volume. Errors: kInternal with what was not understood.
Result<std::vector<Extent>> ParseDump(std::string_view text);

}  // namespace trivet::csi::thin_metadata
