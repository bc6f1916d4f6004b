#pragma once

#include <string>

#include "netpolicy/model/isolation.h"
#include "netpolicy/plan/set_builder.h"

namespace trivet::netpolicy {

/// The class chain of an isolation, with the sets that it needs added to the ruleset. The name is
/// the chain's; nothing is added twice.
std::string AddClass(const Isolation& isolation, Direction direction, std::string_view comment,
                     SetBuilder& sets, Ruleset& ruleset);

}  // namespace trivet::netpolicy
