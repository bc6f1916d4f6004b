#include "cri-runtime/service/id_mapping.h"

#include <limits>

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

// The last number, -1, is nobody's: system calls take it for "unchanged".
constexpr uint64_t kEndOfIds = std::numeric_limits<uint32_t>::max();

// Like the kubelet, and as containerd and CRI-O want it.
Result<sandbox::IdRange> ParseIdRange(std::string_view field, const IdMappings& mappings) {
  if (mappings.size() != 1) {
    return Fail(Code::kInvalidArgument, "{}: {} mappings instead of one", field, mappings.size());
  }
  const v1::IDMapping& mapping = mappings.Get(0);
  if (mapping.container_id() != 0) {
    return Fail(Code::kInvalidArgument, "{}: container_id: {} leaves 0 without a mapping", field,
                mapping.container_id());
  }
  if (mapping.host_id() == 0) {
    return Fail(Code::kInvalidArgument, "{}: host_id: 0 is the node's root", field);
  }
  if (mapping.length() == 0) return Fail(Code::kInvalidArgument, "{}: length: is 0", field);
  if (uint64_t{mapping.host_id()} + mapping.length() > kEndOfIds) {
    return Fail(Code::kInvalidArgument, "{}: length: {} from {} on is beyond the last id", field,
                mapping.length(), mapping.host_id());
  }
  return sandbox::IdRange{.host_id = mapping.host_id(), .length = mapping.length()};
}

}  // namespace

Result<sandbox::UserNamespace> ParseIdMappings(const IdMappings& uids, const IdMappings& gids) {
  sandbox::UserNamespace parsed;
  ASSIGN_OR_RETURN(parsed.uids, ParseIdRange("uids", uids));
  ASSIGN_OR_RETURN(parsed.gids, ParseIdRange("gids", gids));
  return parsed;
}

Result<std::optional<sandbox::UserNamespace>> ParseUserNamespace(
    const v1::NamespaceOption& options) {
  if (!options.has_userns_options()) return std::nullopt;
  const v1::UserNamespace& asked = options.userns_options();
  if (asked.mode() == v1::NODE) {
    if (asked.uids().empty() && asked.gids().empty()) return std::nullopt;
    return Fail(Code::kInvalidArgument, "mode: NODE has no mappings");
  }
  if (asked.mode() != v1::POD) {
    return Fail(Code::kInvalidArgument, "mode: neither POD nor NODE");
  }
  ASSIGN_OR_RETURN(const sandbox::UserNamespace parsed,
                   ParseIdMappings(asked.uids(), asked.gids()));
  // The namespaces that belong to it have to be the pod's, too. Source: the API server refuses
  // hostNetwork, hostIPC and hostPID with hostUsers: false.
  if (options.network() == v1::NODE || options.ipc() == v1::NODE || options.pid() == v1::NODE) {
    return Fail(Code::kInvalidArgument,
                "mode: POD cannot be combined with the node's network, IPC or PID namespace");
  }
  return parsed;
}

void FillIdMapping(const sandbox::IdRange& from, IdMappings& to) {
  v1::IDMapping* mapping = to.Add();
  mapping->set_host_id(from.host_id);
  mapping->set_length(from.length);
}

}  // namespace trivet::cri
