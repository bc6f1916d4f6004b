#pragma once

#include <chrono>
#include <optional>

#include "common/base/error.h"
#include "ctl/node/node.h"
#include "ctl/object/bundle.h"

namespace trivet::ctl {

/// Makes the node have what the bundle says; what is there already is kept, so that it may be
/// repeated, also after an interruption. Everything is checked before anything is made.
/// `wait_timeout`: waits until the pods' containers run.
/// Errors: kNotFound for a namespace, claim or image that is nowhere; kAlreadyExists for an
/// object that is there with another manifest.
Result<> Apply(Node& node, const Bundle& bundle,
               std::optional<std::chrono::milliseconds> wait_timeout);

/// Undoes what the bundle names; what is absent is done. A namespace takes everything in it along.
/// A claim's volume goes only with the claim itself.
/// Errors: kFailedPrecondition for a claim that a pod still uses.
Result<> Delete(Node& node, const Bundle& bundle);

}  // namespace trivet::ctl
