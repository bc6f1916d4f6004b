#pragma once

#include <string>
#include <vector>

#include "common/linux/nftables_frame.h"
#include "netpolicy/plan/ruleset.h"

namespace trivet::netpolicy {

/// Names of the fixed chains.
constexpr const char* kForwardChain = "forward";
constexpr const char* kFromPodChain = "from_pod";
constexpr const char* kToPodChain = "to_pod";

/// The fixed chains, each before those that jump to it; their rules look up the fixed sets.
std::vector<nft::FilledChain> FixedChains();

/// A class chain with its rules and the drop at its end.
nft::FilledChain Fill(const std::string& name, const ClassChain& chain);

}  // namespace trivet::netpolicy
