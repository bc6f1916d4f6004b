#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netpolicy/explain/verdict.h"
#include "netpolicy/plan/compile.h"
#include "netpolicy/plan/plan.h"

namespace trivet::netpolicy {

/// The objects of a text of manifests, which must be right.
Cluster ClusterOf(std::string_view yaml);

/// An address that must be right.
Address At(std::string_view text);

/// The attachments that a node would have on which these pods run: the addresses of their
/// manifests.
std::vector<LocalAddresses> AttachmentsOf(const Cluster& cluster,
                                          const std::vector<ObjectName>& pods);
std::vector<LocalAddresses> AttachmentsOfAll(const Cluster& cluster);

/// What the kernel would do with the connection: the fixed chains and the class chains of
/// netpolicy/nft/rules.cc, on plain data.
bool Passes(const Ruleset& ruleset, const Connection& connection);

/// What `actual` is after the plan: the same that the kernel has then.
Ruleset Applied(const Plan& plan, const Ruleset& desired, Ruleset actual);

/// Names and contents alike.
bool Same(const Ruleset& a, const Ruleset& b);

}  // namespace trivet::netpolicy
