#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/cni/network.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::sandbox {

/// What the plugins are told about a pod: the arguments in CNI_ARGS and by capability.
/// Source: CNI's conventions document; the names are what the field's runtimes pass.
network::Attachment AttachmentOf(const Record& record, const std::filesystem::path& netns);
json::Value CapabilityArgsOf(const Record& record);

/// Sets the loopback interface up in the network namespace.
Result<> SetLoopbackUp(const std::filesystem::path& netns);

/// ADD, with the result kept in `result_file` for DEL. The pod's addresses.
/// Errors: the plugin's. What a failed ADD made is Detach's to undo.
Result<std::vector<std::string>> AttachNetwork(const network::Network& network,
                                               const Record& record,
                                               const std::filesystem::path& netns,
                                               const std::filesystem::path& result_file);

/// DEL with the configuration that ADD had. Repeatable; needs neither the namespace nor the result.
Result<> DetachNetwork(const network::Network& network, const Record& record,
                       const std::filesystem::path& netns,
                       const std::filesystem::path& result_file);

}  // namespace trivet::sandbox
