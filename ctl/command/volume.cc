#include "ctl/command/volume.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "common/linux/file.h"
#include "ctl/command/table.h"
#include "ctl/node/rpc.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::ctl {
namespace {

namespace csi_volume = ::csi::v1;
using VolumeController = csi_volume::Controller;

struct Driver {
  std::string name;
  std::map<std::string, std::string> pools;  // what each is
  std::unique_ptr<VolumeController::Stub> controller;
};

Result<Driver> OpenDriver(const std::filesystem::path& socket) {
  const auto channel = OpenChannel(socket);
  const auto identity = csi_volume::Identity::NewStub(channel);
  ASSIGN_OR_RETURN(const auto info,
                   Call(*identity, &csi_volume::Identity::Stub::GetPluginInfo,
                        csi_volume::GetPluginInfoRequest(), kHelloTimeout),
                   fmt::format("CSI driver at {}", socket.native()));
  Driver driver{.name = info.name(), .controller = VolumeController::NewStub(channel)};
  constexpr std::string_view kPool = "pool/";
  for (const auto& [key, value] : info.manifest()) {
    if (key.starts_with(kPool)) driver.pools[key.substr(kPool.size())] = value;
  }
  return driver;
}

using Entries = std::vector<csi_volume::ListVolumesResponse::Entry>;

Result<Entries> AllVolumes(Driver& driver) {
  Entries all;
  csi_volume::ListVolumesRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page,
                     Call(*driver.controller, &VolumeController::Stub::ListVolumes, request),
                     "list volumes");
    std::ranges::copy(page.entries(), std::back_inserter(all));
    request.set_starting_token(page.next_token());
  } while (!request.starting_token().empty());
  return all;
}

Result<int64_t> LargestVolume(Driver& driver, const std::string& pool) {
  csi_volume::GetCapacityRequest request;
  (*request.mutable_parameters())["pool"] = pool;
  ASSIGN_OR_RETURN(const auto answer,
                   Call(*driver.controller, &VolumeController::Stub::GetCapacity, request),
                   "capacity of pool " + pool);
  return answer.available_capacity();
}

std::string MiB(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// The reasons, or "ok"; empty when the driver does not say.
std::string HealthOf(Driver& driver, const std::string& id) {
  csi_volume::ControllerGetVolumeHealthRequest request;
  request.set_volume_id(id);
  const auto answer =
      Call(*driver.controller, &VolumeController::Stub::ControllerGetVolumeHealth, request);
  if (!answer) return "";
  std::string reasons;
  for (const auto& status : answer->volume_health().health_statuses()) {
    reasons += (reasons.empty() ? "" : ",") + status.reason();
  }
  return reasons.empty() ? "ok" : reasons;
}

std::string SourceOf(const csi_volume::Volume& volume) {
  if (!volume.has_content_source()) return "";
  const auto& source = volume.content_source();
  return source.has_snapshot() ? source.snapshot().snapshot_id() : source.volume().volume_id();
}

json::Value ToJson(Driver& driver, const csi_volume::Volume& volume) {
  return {{"id", volume.volume_id()},
          {"bytes", volume.capacity_bytes()},
          {"source", SourceOf(volume)},
          {"health", HealthOf(driver, volume.volume_id())}};
}

Result<json::Value> ReadDocument(const std::string& file) {
  if (file != "-") {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    ASSIGN_OR_RETURN(json::Value value, json::Parse(text), file);
    return value;
  }
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  ASSIGN_OR_RETURN(json::Value value, json::Parse(text), "standard input");
  return value;
}

}  // namespace

Result<> ListVolumes(const std::filesystem::path& csi_socket, bool json) {
  ASSIGN_OR_RETURN(Driver driver, OpenDriver(csi_socket));
  ASSIGN_OR_RETURN(const Entries entries, AllVolumes(driver));
  if (json) {
    json::Value list = json::Value::array();
    for (const auto& entry : entries) list.push_back(ToJson(driver, entry.volume()));
    std::cout << json::WritePretty(list);
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"VOLUME", "SIZE", "SOURCE", "HEALTH"}};
  for (const auto& entry : entries) {
    const auto& volume = entry.volume();
    rows.push_back({volume.volume_id(), MiB(volume.capacity_bytes()), SourceOf(volume),
                    HealthOf(driver, volume.volume_id())});
  }
  PrintTable(std::cout, rows);
  return {};
}

Result<> ListPools(const std::filesystem::path& csi_socket, bool json) {
  ASSIGN_OR_RETURN(Driver driver, OpenDriver(csi_socket));
  json::Value list = json::Value::array();
  std::vector<std::vector<std::string>> rows = {{"POOL", "LARGEST", "WHAT"}};
  for (const auto& [pool, what] : driver.pools) {
    ASSIGN_OR_RETURN(const int64_t largest, LargestVolume(driver, pool));
    list.push_back({{"name", pool}, {"largestVolumeBytes", largest}, {"what", what}});
    rows.push_back({pool, MiB(largest), what});
  }
  if (json) {
    std::cout << json::WritePretty(list);
  } else {
    PrintTable(std::cout, rows);
  }
  return {};
}

Result<> ShowVolume(const std::filesystem::path& csi_socket, const std::string& id) {
  ASSIGN_OR_RETURN(Driver driver, OpenDriver(csi_socket));
  csi_volume::ControllerGetVolumeRequest request;
  request.set_volume_id(id);
  ASSIGN_OR_RETURN(const auto answer,
                   Call(*driver.controller, &VolumeController::Stub::ControllerGetVolume, request));
  json::Value shown = ToJson(driver, answer.volume());
  shown["publishedNodes"] = std::vector<std::string>(answer.status().published_node_ids().begin(),
                                                     answer.status().published_node_ids().end());
  for (const auto& topology : answer.volume().accessible_topology()) {
    for (const auto& [key, value] : topology.segments()) shown["topology"][key] = value;
  }
  std::cout << json::WritePretty(shown);
  return {};
}

Result<std::vector<std::string>> HandlesIn(const json::Value& volumes, const std::string& driver) {
  const auto items = volumes.find("items");
  if (items == volumes.end() || !items->is_array()) {
    return Fail(Code::kInvalidArgument, "items: want the list of `kubectl get pv -o json`");
  }
  std::vector<std::string> handles;
  for (const json::Value& item : *items) {
    const json::Value csi = item.value("/spec/csi"_json_pointer, json::Value::object());
    std::string of_driver;
    std::string handle;
    RETURN_IF_ERROR(json::ReadOptional(csi, "driver", of_driver), "spec: csi");
    RETURN_IF_ERROR(json::ReadOptional(csi, "volumeHandle", handle), "spec: csi");
    if (of_driver == driver) handles.push_back(handle);
  }
  return handles;
}

Result<> ListOrphans(const std::filesystem::path& csi_socket, const std::string& file) {
  ASSIGN_OR_RETURN(Driver driver, OpenDriver(csi_socket));
  ASSIGN_OR_RETURN(const json::Value document, ReadDocument(file));
  ASSIGN_OR_RETURN(const std::vector<std::string> known, HandlesIn(document, driver.name));
  const std::set<std::string> handles(known.begin(), known.end());
  ASSIGN_OR_RETURN(const Entries entries, AllVolumes(driver));
  for (const auto& entry : entries) {
    if (!handles.contains(entry.volume().volume_id())) {
      std::cout << entry.volume().volume_id() << '\n';
    }
  }
  return {};
}

Result<> ImportRecords(const std::filesystem::path& csi_state, const std::string& file) {
  ASSIGN_OR_RETURN(const json::Value document, ReadDocument(file));
  return WriteRecords(csi_state, document, std::cout);
}

}  // namespace trivet::ctl
