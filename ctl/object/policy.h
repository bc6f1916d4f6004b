#pragma once

#include "common/base/error.h"
#include "ctl/object/metadata.h"

namespace trivet::ctl {

/// NetworkPolicy v1. Its rules are checked as the API server checks them, and then left to the
/// policy agent: a rule that the agent refused would leave pods open that somebody meant to close.
/// Errors: kInvalidArgument "file:line: field: reason".
Result<Metadata> ReadPolicy(Fields document);

}  // namespace trivet::ctl
