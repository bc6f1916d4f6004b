#include "csi/pool/describe.h"

#include "csi/pool/lvm_pool.h"
#include "csi/pool/taken_devices.h"
#include "csi/pool/whole_device.h"

namespace trivet::csi {
namespace {

std::string InspectDevices(const PoolConfig& config, const TakenDevices& taken) {
  std::string text;
  for (const WholeDevice& device : FindWholeDevices(config.devices)) {
    auto why = taken.WhyTaken(device);
    if (!why) why = WhyNotFree(device);
    text += fmt::format("  {}: {} bytes, {}\n", device.path.native(), device.size_bytes,
                        why.value_or("free"));
  }
  return text.empty() ? "  no such device is there\n" : text;
}

Result<std::string> InspectGroup(const PoolConfig& config) {
  ASSIGN_OR_RETURN(const auto pool, LvmPool::Open(config));
  ASSIGN_OR_RETURN(const Space space, pool->Measure());
  return fmt::format("  {} bytes, {} of them free{}{}\n", space.total_bytes, space.free_bytes,
                     space.note.empty() ? "" : "; ", space.note);
}

}  // namespace

std::string Describe(const PoolConfig& config) {
  switch (config.type) {
    case PoolType::kFile:
      return fmt::format("file: images in {}", config.path.native());
    case PoolType::kLvm:
      return config.thin_pool.empty()
                 ? fmt::format("lvm: thick volumes in {}", config.volume_group)
                 : fmt::format("lvm: thin volumes in {}/{}", config.volume_group, config.thin_pool);
    case PoolType::kDevice: {
      std::string devices;
      for (const auto& device : config.devices) {
        devices += (devices.empty() ? "" : ", ") + device.native();
      }
      return fmt::format("device: {}", devices);
    }
  }
  return "";
}

Result<std::string> Inspect(const PoolConfig& config, const Paths& paths) {
  const std::string head = fmt::format("pool {}: {}\n", config.name, Describe(config));
  switch (config.type) {
    case PoolType::kFile:
      return head;
    case PoolType::kLvm: {
      ASSIGN_OR_RETURN(const std::string group, InspectGroup(config));
      return head + group;
    }
    case PoolType::kDevice:
      return head + InspectDevices(config, TakenDevices::In(paths.devices()));
  }
  return head;
}

}  // namespace trivet::csi
