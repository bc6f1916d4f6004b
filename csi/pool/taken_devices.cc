#include "csi/pool/taken_devices.h"

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

std::optional<DeviceClaim> ReadClaim(const std::filesystem::path& file) {
  const bool deleting = file.extension() == ".deleting";
  if (!deleting && file.extension() != ".json") return std::nullopt;
  const auto text = ReadFile(file);
  if (!text) return std::nullopt;
  auto claim = DeviceClaim::Parse(*text, file.stem().native());
  if (!claim) return std::nullopt;
  claim->deleting |= deleting;
  return std::move(*claim);
}

}  // namespace

TakenDevices::TakenDevices(const std::vector<DeviceClaim>& claims) {
  for (const DeviceClaim& claim : claims) {
    if (claim.deleting && !claim.identity.empty()) {
      unwiped_[claim.identity] = claim.id;
    } else if (const auto device = LookAtDevice(claim.device)) {
      held_[device->number] = claim.id;
    }
  }
}

TakenDevices TakenDevices::In(const std::filesystem::path& folder) {
  std::vector<DeviceClaim> claims;
  for (const std::string& name : ListDirectory(folder).value_or(std::vector<std::string>())) {
    if (auto claim = ReadClaim(folder / name)) claims.push_back(std::move(*claim));
  }
  return TakenDevices(claims);
}

std::optional<std::string> TakenDevices::WhyTaken(const WholeDevice& device) const {
  if (const auto held = held_.find(device.number); held != held_.end()) {
    return fmt::format("it is volume {}'s", held->second);
  }
  const auto unwiped = unwiped_.find(device.identity);
  if (unwiped == unwiped_.end()) return std::nullopt;
  return fmt::format(
      "it was not wiped after volume {}: wipe it, remove devices/{}.deleting and restart the "
      "driver",
      unwiped->second, unwiped->second);
}

}  // namespace trivet::csi
