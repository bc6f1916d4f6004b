#include "csi/pool/device_pool.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "common/linux/file.h"
#include "csi/pool/block_device.h"
#include "csi/pool/taken_devices.h"
#include "csi/pool/wipe.h"

namespace trivet::csi {
namespace {

// Says that the device is attached, in this boot, and which it is: its names in /dev may go away
// before its mounts do.
std::string WriteMark(const std::string& boot_id, const DeviceName& device) {
  return fmt::format("{} {} {}", boot_id, device.number, device.path.native());
}

// None when it is of another boot. An older version's mark has the boot only.
std::optional<DeviceName> ParseMark(const std::string& text, const std::string& boot_id,
                                    const std::filesystem::path& claimed) {
  std::istringstream words(text);
  std::string boot;
  DeviceName device;
  if (!(words >> boot) || boot != boot_id) return std::nullopt;
  if (words >> device.number >> device.path) return device;
  const auto opened = OpenBlockDevice(claimed, O_RDONLY);
  return opened ? DeviceName(*opened) : DeviceName{.path = claimed};
}

}  // namespace

Result<std::unique_ptr<DevicePool>> DevicePool::Open(const PoolConfig& config,
                                                     const std::filesystem::path& folder) {
  const std::string step = fmt::format("pool {}", config.name);
  ASSIGN_OR_RETURN(Claims claims, Claims::Open(folder), step);
  ASSIGN_OR_RETURN(std::string boot_id, ReadBootId(), step);
  std::unique_ptr<DevicePool> pool(
      new DevicePool(config, folder, std::move(claims), std::move(boot_id)));
  pool->LoadAttached();
  return pool;
}

// What says that a device is attached is void after a reboot.
void DevicePool::LoadAttached() {
  for (const DeviceClaim& claim : claims_.All()) {
    if (claim.pool != name()) continue;
    const auto device = ParseMark(ReadFile(MarkOf(claim.id)).value_or(""), boot_id_, claim.device);
    if (device) attached_[claim.id] = *device;
  }
}

std::filesystem::path DevicePool::MarkOf(const std::string& id) const {
  return folder_ / (id + ".attached");
}

// Claims of other pools count as well: of one that had the device and is configured no more.
std::vector<WholeDevice> DevicePool::FreeDevices() const {
  const TakenDevices taken(claims_.All());
  std::set<dev_t> reserved;
  for (const auto& [id, device] : reserved_) reserved.insert(device.number);
  std::vector<WholeDevice> free = FindWholeDevices(config_.devices);
  std::erase_if(free, [&](const WholeDevice& device) {
    return reserved.contains(device.number) || taken.WhyTaken(device) || WhyNotFree(device);
  });
  return free;
}

uint64_t DevicePool::PromisedBytes() const {
  uint64_t bytes = 0;
  for (const DeviceClaim& claim : claims_.All()) {
    if (claim.pool == name() && !claim.deleting) bytes += claim.size_bytes;
  }
  for (const auto& [id, device] : reserved_) bytes += device.size_bytes;
  return bytes;
}

std::vector<WholeDevice> DevicePool::OfferedDevices() const {
  std::vector<WholeDevice> offered = FreeDevices();
  if (config_.limit_bytes == 0) return offered;
  const uint64_t promised = PromisedBytes();
  std::erase_if(offered, [&](const WholeDevice& device) {
    return promised + device.size_bytes > config_.limit_bytes;
  });
  return offered;
}

Result<WholeDevice> DevicePool::DeviceOf(const DeviceClaim& claim) const {
  auto device = LookAtDevice(claim.device);
  if (!device) return Fail(Code::kUnavailable, "device {} is not there", claim.device);
  if (device->identity == claim.identity && device->size_bytes >= claim.size_bytes) return device;
  return Fail(Code::kFailedPrecondition, "{} is another device than the volume's", claim.device);
}

Result<uint64_t> DevicePool::SizeFor(const CapacityRange& range, const Usage& usage) const {
  const uint64_t wanted = std::max(range.required_bytes, MinimumBytesOf(usage));
  const std::lock_guard lock(mutex_);
  const std::vector<WholeDevice> offered = OfferedDevices();
  const auto smallest = std::ranges::find_if(
      offered, [&](const auto& device) { return device.size_bytes >= wanted; });
  if (smallest == offered.end()) {
    return Fail(Code::kResourceExhausted,
                "pool {}: {} bytes wanted, the largest free device{} has {}", name(), wanted,
                config_.limit_bytes == 0 ? "" : " within limitBytes",
                offered.empty() ? 0 : offered.back().size_bytes);
  }
  if (range.limit_bytes == 0 || smallest->size_bytes <= range.limit_bytes) {
    return smallest->size_bytes;
  }
  return Fail(Code::kOutOfRange,
              "capacity_range: limit_bytes {} is below {}, the smallest free device that fits",
              range.limit_bytes, smallest->size_bytes);
}

Result<Space> DevicePool::Measure() const {
  const std::lock_guard lock(mutex_);
  Space space{.promised_bytes = PromisedBytes(), .limit_bytes = config_.limit_bytes};
  for (const WholeDevice& device : FreeDevices()) space.free_bytes += device.size_bytes;
  const std::vector<WholeDevice> offered = OfferedDevices();  // the largest last
  space.largest_bytes = offered.empty() ? 0 : offered.back().size_bytes;
  space.total_bytes = space.free_bytes + space.promised_bytes;
  return space;
}

Result<uint64_t> DevicePool::Available() const {
  ASSIGN_OR_RETURN(const Space space, Measure());
  return AvailableBytes(space);
}

Result<> DevicePool::Reserve(const std::string& id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  const auto claim = claims_.Find(id);
  const uint64_t has =
      claim ? claim->size_bytes : (reserved_.contains(id) ? reserved_[id].size_bytes : size_bytes);
  if (has != size_bytes) {
    return Fail(Code::kOutOfRange, "pool {}: a whole device does not grow, it has {} bytes", name(),
                has);
  }
  if (claim || reserved_.contains(id)) return {};
  std::vector<WholeDevice> offered = OfferedDevices();
  const auto found = std::ranges::find(offered, size_bytes, &WholeDevice::size_bytes);
  if (found == offered.end()) {
    return Fail(Code::kResourceExhausted, "pool {}: no device of {} bytes is free any more", name(),
                size_bytes);
  }
  reserved_[id] = std::move(*found);
  return {};
}

Result<> DevicePool::ReserveCopy(const std::string& source, const std::string& id,
                                 const Promise& /*promise*/) {
  return Copy(source, id, Sync::kNow);
}

void DevicePool::Release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  reserved_.erase(id);
}

Result<> DevicePool::Allocate(const VolumeRecord& record) {
  RETURN_IF_ERROR(Reserve(record.id, record.size_bytes));
  const std::lock_guard lock(mutex_);
  if (claims_.Find(record.id)) return {};
  const WholeDevice& device = reserved_.at(record.id);
  RETURN_IF_ERROR(claims_.Put({.id = record.id,
                               .pool = name(),
                               .device = device.path,
                               .identity = device.identity,
                               .size_bytes = device.size_bytes}));
  spdlog::info("taken device={} volume={} pool={}", device.path.native(), record.id, name());
  reserved_.erase(record.id);
  return {};
}

Result<> DevicePool::Copy(const std::string& /*source*/, const std::string& /*id*/, Sync /*when*/) {
  return Fail(Code::kUnimplemented, "pool {}: whole devices cannot share blocks", name());
}

Result<std::optional<uint64_t>> DevicePool::SizeOf(const std::string& id) const {
  const auto claim = claims_.Find(id);
  if (!claim && claim.error().code() == Code::kNotFound) return std::nullopt;
  RETURN_IF_ERROR(claim);
  if (claim->pool != name()) return std::nullopt;
  if (claim->deleting) return std::optional(claim->size_bytes);
  ASSIGN_OR_RETURN(const WholeDevice device, DeviceOf(*claim), "pool " + name());
  return std::optional(device.size_bytes);
}

Result<std::optional<UniqueFd>> DevicePool::OpenBytes(const std::string& id) const {
  ASSIGN_OR_RETURN(const DeviceClaim claim, claims_.Find(id));
  ASSIGN_OR_RETURN(BlockDevice device, OpenBlockDevice(claim.device, O_RDONLY));
  return std::optional(std::move(device.fd));
}

Result<std::vector<Extent>> DevicePool::Written(const std::string& /*id*/) const {
  return Fail(Code::kUnimplemented, "pool {}: whole devices have no map of blocks", name());
}

Result<> DevicePool::Remove(const std::string& id) {
  const auto claim = claims_.Find(id);
  if (!claim && claim.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(claim);
  if (const auto device = DeviceOf(*claim); !device) return GiveUp(*claim, device.error());
  // Exclusively: a mount in another namespace is one, too.
  ASSIGN_OR_RETURN(const BlockDevice opened, OpenBlockDevice(claim->device, O_RDWR | O_EXCL));
  RETURN_IF_ERROR(SetReadOnly(opened, false));
  RETURN_IF_ERROR(WipeDevice(opened.fd.get(), config_.wipe), claim->device);
  RETURN_IF_ERROR(RemoveFile(MarkOf(id)));
  return claims_.Remove(id);
}

// Its volume is gone, and it was not wiped: it may be broken, or come back.
Result<> DevicePool::GiveUp(DeviceClaim claim, const Error& why) {
  spdlog::warn("not wiped device={} identity=\"{}\" volume={} reason=\"{}\"", claim.device,
               claim.identity, claim.id, why.message());
  RETURN_IF_ERROR(RemoveFile(MarkOf(claim.id)));
  return claims_.MarkDeleting(claim);
}

Result<std::vector<std::string>> DevicePool::List() const {
  std::vector<std::string> ids;
  for (const DeviceClaim& claim : claims_.All()) {
    if (claim.pool == name()) ids.push_back(claim.id);
  }
  return ids;
}

Result<std::optional<DeviceName>> DevicePool::SeeDevice(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = attached_.find(id);
  return found == attached_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<BlockDevice>> DevicePool::FindDevice(const std::string& id) const {
  ASSIGN_OR_RETURN(const auto attached, SeeDevice(id));
  if (!attached) return std::nullopt;
  ASSIGN_OR_RETURN(const DeviceClaim claim, claims_.Find(id));
  auto device = OpenBlockDevice(claim.device, O_RDONLY);
  if (device && device->number == attached->number) return std::optional(std::move(*device));
  return Fail(Code::kUnavailable, "device {} is gone{}", claim.device,
              device ? ": it is another one now" : "");
}

Result<BlockDevice> DevicePool::Attach(const std::string& id, const AttachOptions& options) {
  ASSIGN_OR_RETURN(const DeviceClaim claim, claims_.Find(id));
  RETURN_IF_ERROR(DeviceOf(claim));
  ASSIGN_OR_RETURN(BlockDevice device, OpenBlockDevice(claim.device, O_RDONLY));
  RETURN_IF_ERROR(WriteFileVolatile(MarkOf(id), WriteMark(boot_id_, device)));
  RETURN_IF_ERROR(SetReadOnly(device, options.read_only));
  const std::lock_guard lock(mutex_);
  attached_[id] = device;
  return device;
}

Result<> DevicePool::Detach(const std::string& id, BlockDevice device) {
  if (device.fd.valid()) RETURN_IF_ERROR(SetReadOnly(device, false));
  RETURN_IF_ERROR(RemoveFile(MarkOf(id)));
  const std::lock_guard lock(mutex_);
  attached_.erase(id);
  return {};
}

}  // namespace trivet::csi
