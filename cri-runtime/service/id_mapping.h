#pragma once

#include <optional>

#include "common/base/error.h"
#include "cri-runtime/sandbox/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

using IdMappings = google::protobuf::RepeatedPtrField<::runtime::v1::IDMapping>;

/// The pod's user namespace; nothing for NODE, or without options.
/// Errors: kInvalidArgument unless it is NODE without mappings, or POD with one mapping of users
/// and one of groups.
Result<std::optional<sandbox::UserNamespace>> ParseUserNamespace(
    const ::runtime::v1::NamespaceOption& options);

/// One mapping each of users and groups, with id 0 and not to the node's root.
/// Errors: kInvalidArgument naming the field.
Result<sandbox::UserNamespace> ParseIdMappings(const IdMappings& uids, const IdMappings& gids);

void FillIdMapping(const sandbox::IdRange& from, IdMappings& to);

}  // namespace trivet::cri
