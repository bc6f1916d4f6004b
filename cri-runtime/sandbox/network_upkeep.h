#pragma once

#include <stop_token>
#include <vector>

#include "cri-runtime/node.h"

namespace trivet::sandbox {

/// What a start of the daemon owes the networks: GC for each network that is configured or that an
/// attachment is recorded of, with the attachments that are recorded; then CHECK for each pod that
/// is ready, whose failure is one line in the log. While CRI is served; ends early when told to.
void TidyNetworks(cri::Node& node, const std::stop_token& stop);

/// The recorded attachments to the network: those that DEL is owed to.
std::vector<network::Attachment> ValidAttachments(const cri::Node& node, const std::string& name);

}  // namespace trivet::sandbox
