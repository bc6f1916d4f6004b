#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/cni/network.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::sandbox {

/// What the plugins are told about a pod: the arguments in CNI_ARGS and by capability, which are
/// `node_args` and those of the pod.
/// Errors: kInvalidArgument for a bandwidth annotation that is none.
/// Source: CNI's conventions document; the names are what the field's runtimes pass.
network::Attachment AttachmentOf(const Record& record, const std::filesystem::path& netns);
Result<json::Value> CapabilityArgsOf(const Record& record, json::Value node_args);

/// All that is kept of one ADD: what DEL, CHECK and GC are given. `result` is State's cni_result.
struct KeptAttachment {
  network::NetworkConfig config;
  network::Attachment attachment;
  json::Value args;
  json::Value result;  // null: ADD did not come to an end
};
/// Errors: kInvalidArgument for a damaged record.
Result<KeptAttachment> ReadAttachment(const Record& record, const std::filesystem::path& netns,
                                      const std::string& result);

/// DEL with the configuration that ADD had. Repeatable; needs neither the namespace nor the result.
Result<> DetachNetwork(const network::Network& network, const Record& record,
                       const std::filesystem::path& netns, const std::string& result);

}  // namespace trivet::sandbox
