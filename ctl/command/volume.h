#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::ctl {

/// `trivetctl volume ls`: the driver's volumes, and what is wrong with them as far as it says so.
Result<> ListVolumes(const std::filesystem::path& csi_socket, bool json);
/// `trivetctl volume show ID`: all that the driver says of one, as JSON.
Result<> ShowVolume(const std::filesystem::path& csi_socket, const std::string& id);
/// `trivetctl volume pools`: what the driver's pools are, and how large a volume of each can be.
Result<> ListPools(const std::filesystem::path& csi_socket, bool json);
/// `trivetctl volume orphans -f FILE`: the ids of the volumes that none of the PersistentVolumes in
/// `file` (`kubectl get pv -o json`; "-" is standard input) names. Changes nothing.
Result<> ListOrphans(const std::filesystem::path& csi_socket, const std::string& file);

/// `trivetctl volume export`: trivet-csi's records of volumes and snapshots, as one JSON document:
/// a copy of what is lost when the state folder is, while the pools are not.
Result<> ExportRecords(const std::filesystem::path& csi_state, std::ostream& out);
/// `trivetctl volume import -f FILE`: puts the records back that are not there. One that is there
/// is never touched. Errors: kAborted while trivet-csi runs; kInvalidArgument, and then none is
/// written.
Result<> ImportRecords(const std::filesystem::path& csi_state, const std::string& file);

/// As ImportRecords, of the document itself; says how many were written.
Result<> WriteRecords(const std::filesystem::path& csi_state, const json::Value& document,
                      std::ostream& out);

/// The volume handles of `driver` in `kubectl get pv -o json`. Pure.
/// Errors: kInvalidArgument for what is not such a list.
Result<std::vector<std::string>> HandlesIn(const json::Value& volumes, const std::string& driver);

}  // namespace trivet::ctl
