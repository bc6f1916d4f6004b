#pragma once

#include "netpolicy/plan/ruleset.h"
#include "netpolicy/plan/world.h"

namespace trivet::netpolicy {

/// Compiles the world into the table's content. Pure; equal worlds give equal rulesets.
///
/// A local pod that has no manifest, or one of another uid, gets the deny class in both directions.
/// An address that a local pod has is nobody else's, whatever a manifest says.
Ruleset Compile(const World& world);

}  // namespace trivet::netpolicy
