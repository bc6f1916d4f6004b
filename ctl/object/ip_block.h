#pragma once

#include "common/base/error.h"
#include "ctl/object/fields.h"

namespace trivet::ctl {

/// Checks the ipBlock of a policy's peer: a prefix, and parts of it that are left out.
/// Errors: kInvalidArgument "file:line: field: reason".
Result<> CheckIpBlock(Fields block);

}  // namespace trivet::ctl
