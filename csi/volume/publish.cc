// Publishing: the half of NodeVolumes that shows a staged volume to a pod.

#include <sys/mount.h>

#include "common/linux/mount.h"
#include "csi/volume/kernel_step.h"
#include "csi/volume/node_volumes.h"
#include "csi/volume/presence.h"
#include "csi/volume/shown_device.h"
#include "csi/volume/target_path.h"

namespace trivet::csi {
namespace {

// Publications whose mount is gone (a reboot of the pod's node, a hand that
// unmounted it) do not count.
Result<> ForgetUnmounted(Attachment& attachment, const DeviceName& device) {
  auto& publications = attachment.publications;
  for (auto one = publications.begin(); one != publications.end();) {
    ASSIGN_OR_RETURN(const Sight sight, LookAt(one->first, device));
    one = sight == Sight::kTheDevice ? std::next(one) : publications.erase(one);
  }
  return {};
}

// A mount volume is staged when its device is mounted there; a block volume when
// it has a device, as nothing is mounted for it.
Result<> CheckStaged(const PublishRequest& request, const Attachment& attachment,
                     const DeviceName& device) {
  const bool known_elsewhere =
      attachment.staging && attachment.staging->path != request.staging_path;
  const bool other_access = attachment.staging && attachment.staging->use.capability.access_type !=
                                                      request.capability.access_type;
  bool present = request.capability.access_type == AccessType::kBlock;
  if (!present) {
    ASSIGN_OR_RETURN(const Sight sight, LookAt(request.staging_path, device));
    present = sight == Sight::kTheDevice;
  }
  if (present && !known_elsewhere && !other_access) return {};
  return Fail(Code::kFailedPrecondition, "it is not staged at {} for {} access",
              request.staging_path.native(), NameOf(request.capability.access_type));
}

Result<> CheckReadOnly(const Use& use, const Attachment& attachment) {
  const bool raw = use.capability.access_type == AccessType::kBlock;
  const bool device_is_read_only = attachment.staging && attachment.staging->use.read_only;
  if (!raw || !use.read_only || device_is_read_only) return {};
  return Fail(
      Code::kFailedPrecondition,
      "a device node on a read-only mount can still be written: a read-only block volume "
      "needs access mode SINGLE_NODE_READER_ONLY, or readonly publication by the controller");
}

// A file system's mount says which device it is of. A raw device's node is shown itself, and so it
// is looked into first: it may have to be made.
Result<std::optional<DeviceName>> DeviceFor(const Use& use, const Pool& pool,
                                            const VolumeRecord& record) {
  if (use.capability.access_type == AccessType::kMount) return SeeShown(pool, record);
  return FindShown(pool, record);
}

}  // namespace

Result<> NodeVolumes::Publish(const PublishRequest& asked) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(asked.id));
  ASSIGN_OR_RETURN(const VolumeRecord record, FindUsable(asked.id, asked.capability));
  const std::string step = fmt::format("volume {}: publish", asked.id);
  PublishRequest request = asked;
  request.staging_path = Resolve(asked.staging_path);
  request.target_path = Resolve(asked.target_path);
  const bool reader = asked.capability.access_mode == AccessMode::kSingleNodeReaderOnly;
  const bool published_to_read = record.published && record.published->read_only;
  const Use use{.capability = asked.capability,
                .read_only = asked.read_only || reader || published_to_read};

  ASSIGN_OR_RETURN(const Pool* const pool, PoolHolding(asked.id), step);
  ASSIGN_OR_RETURN(const auto device, DeviceFor(use, *pool, record), step);
  if (!device) return Fail(Code::kFailedPrecondition, "{}: it is not staged", step);
  Attachment attachment = attachments_.Of(asked.id);
  RETURN_IF_ERROR(ForgetUnmounted(attachment, *device), step);
  RETURN_IF_ERROR(CheckStaged(request, attachment, *device), step);
  RETURN_IF_ERROR(CheckReadOnly(use, attachment), step);

  switch (JudgePublish(attachment, request.target_path, use)) {
    case SecondPublish::kSame:
      return {};
    case SecondPublish::kIncompatible:
      return Fail(Code::kAlreadyExists, "{}: it is at {} with other arguments", step,
                  request.target_path.native());
    case SecondPublish::kExclusive:
      return Fail(Code::kFailedPrecondition, "{}: it is published at {}, and for one writer only",
                  step, attachment.publications.begin()->first);
    case SecondPublish::kAllowed:
      break;
  }
  ASSIGN_OR_RETURN(const Sight sight, LookAt(request.target_path, *device), step);
  if (sight != Sight::kNoMount) {
    return Fail(Code::kFailedPrecondition, "{}: a {} is mounted at {}", step,
                TypeOfMountAt(request.target_path), request.target_path.native());
  }
  attachment.publications[request.target_path] = use;
  RETURN_IF_ERROR(attachments_.Put(asked.id, attachment));
  return KernelStep(step, BindToTarget(*device, request, use));
}

Result<> NodeVolumes::BindToTarget(const DeviceName& device, const PublishRequest& request,
                                   const Use& use) {
  const AccessType type = use.capability.access_type;
  ASSIGN_OR_RETURN(const UniqueFd target, EnsureTarget(request.target_path, type));
  ASSIGN_OR_RETURN(auto mount, DetachedMount::Bind(type == AccessType::kMount ? request.staging_path
                                                                              : device.path));
  if (use.read_only) RETURN_IF_ERROR(mount.SetAttributes(MOUNT_ATTR_RDONLY), "read-only");
  return std::move(mount).AttachTo(target.get());
}

Result<> NodeVolumes::Unpublish(const std::string& id, const std::filesystem::path& target_path) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  const auto record = records_.Find(id);
  // An unreadable record must not keep a pod from going away.
  if (!record && record.error().code() != Code::kDataLoss) return std::unexpected(record.error());
  const std::string step = fmt::format("volume {}: unpublish", id);
  const std::filesystem::path target = Resolve(target_path);

  ASSIGN_OR_RETURN(const Pool* const pool, PoolHolding(id), step);
  ASSIGN_OR_RETURN(const auto device, SeeShown(*pool, id), step);
  RETURN_IF_ERROR(UnmountAll(target, device ? &*device : nullptr), step);
  RETURN_IF_ERROR(RemoveTarget(target), step);
  Attachment attachment = attachments_.Of(id);
  if (attachment.publications.erase(target) == 0) return {};
  return attachments_.Put(id, attachment);
}

}  // namespace trivet::csi
