#pragma once

#include "common/linux/nftables.h"
#include "netpolicy/plan/ruleset.h"

namespace trivet::netpolicy {

/// Names of the fixed chains.
constexpr const char* kForwardChain = "forward";
constexpr const char* kFromPodChain = "from_pod";
constexpr const char* kToPodChain = "to_pod";

/// Adds the fixed chains; the fixed sets exist already.
void AddFixedChains(nft::Transaction& transaction);

/// Adds a class chain with its rules and the drop at its end; its sets exist already.
void AddClassChain(const std::string& name, const ClassChain& chain, nft::Transaction& transaction);

}  // namespace trivet::netpolicy
