#include "csi/pool/file_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "csi/filesystem/nameless_file.h"
#include "csi/pool/extents.h"
#include "csi/pool/reflink.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kImageSuffix = ".img";
constexpr uint64_t kStatBlockBytes = 512;  // of st_blocks, whatever the file system's own

uint64_t AllocatedBytes(const std::filesystem::path& image) {
  struct stat info{};
  if (::stat(image.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes;
}

// Sets the size, and for a thick volume takes the blocks; what is there stays.
Result<> Resize(int fd, uint64_t old_bytes, const VolumeRecord& record) {
  const auto size = static_cast<off_t>(record.size_bytes);
  if (record.provisioning == Provisioning::kThick) {
    // ext4 keeps what it took before it ran out of space: truncating gives it back.
    if (::fallocate(fd, 0, 0, size) == 0) return {};
    const int err = errno;
    if (::ftruncate(fd, static_cast<off_t>(old_bytes)) != 0) return FailErrno("truncate");
    return std::unexpected(
        Error::FromErrno(err, fmt::format("allocate {} bytes", record.size_bytes)));
  }
  if (::ftruncate(fd, size) != 0) return FailErrno("set the size to {}", record.size_bytes);
  return {};
}

}  // namespace

Result<std::unique_ptr<FilePool>> FilePool::Open(const PoolConfig& config) {
  const std::string step = fmt::format("pool {}", config.name);
  RETURN_IF_ERROR(EnsureDirectory(config.path), step);
  struct stat info{};
  if (::stat(config.path.c_str(), &info) != 0) {
    return FailErrno("{}: stat {}", step, config.path.native());
  }
  ASSIGN_OR_RETURN(const bool can_copy, reflink::IsSupported(config.path), step);
  return std::unique_ptr<FilePool>(new FilePool(config, info.st_dev, can_copy));
}

std::filesystem::path FilePool::ImageOf(const std::string& id) const {
  return config_.path / (id + std::string(kImageSuffix));
}

Result<Space> FilePool::MeasureStorage() const {
  struct statvfs info{};
  if (::statvfs(config_.path.c_str(), &info) != 0) {
    return FailErrno("pool {}: statvfs {}", name(), config_.path.native());
  }
  Space space{.free_bytes = info.f_bavail * info.f_frsize, .limit_bytes = config_.limit_bytes};
  space.total_bytes = info.f_blocks * info.f_frsize;
  space.read_only = (info.f_flag & ST_RDONLY) != 0;
  space.headroom_bytes =
      config_.headroom_bytes != 0 ? config_.headroom_bytes : space.total_bytes / 100;
  return space;
}

uint64_t FilePool::OwnBytes(const std::string& id, bool may_share) const {
  const std::filesystem::path image = ImageOf(id);
  return may_share ? csi::OwnBytes(image).value_or(0) : AllocatedBytes(image);
}

// While blocks are shared the kernel lets nobody write to the source or, through a loop device,
// read from it: 17 to 19 us for each extent on XFS.
Result<> FilePool::CheckCopy(const std::string& source) const {
  constexpr uint64_t kExtentsPerMillisecond = 50;
  if (config_.max_copy_extents == 0) return {};
  ASSIGN_OR_RETURN(const auto device, FindDevice(source));
  if (!device) return {};
  ASSIGN_OR_RETURN(const uint64_t extents, CountExtents(ImageOf(source)));
  if (extents <= config_.max_copy_extents) return {};
  return Fail(Code::kFailedPrecondition,
              "pool {}: volume {} is in use and in {} extents, copying it would hold up its users "
              "for about {} ms; maxCopyExtents is {}. Copy it when nobody uses it, or defragment "
              "its file (xfs_fsr, btrfs filesystem defragment)",
              name(), source, extents, extents / kExtentsPerMillisecond, config_.max_copy_extents);
}

// The name comes last: the sync of its folder makes all durable, and those who make volumes at the
// same time share one write of the file system's log.
Result<> FilePool::AllocateNew(const VolumeRecord& record) const {
  const std::filesystem::path image = ImageOf(record.id);
  ASSIGN_OR_RETURN(const UniqueFd fd, MakeNameless(config_.path));
  RETURN_IF_ERROR(Resize(fd.get(), 0, record), image.native());
  RETURN_IF_ERROR(GiveName(fd, image));
  return SyncDirectory(config_.path);
}

Result<> FilePool::Allocate(const VolumeRecord& record) {
  const std::filesystem::path image = ImageOf(record.id);
  if (keeps_order_ && ::access(image.c_str(), F_OK) != 0) return AllocateNew(record);
  const UniqueFd fd(::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return FailErrno("create {}", image.native());
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat {}", image.native());
  const auto old_bytes = static_cast<uint64_t>(info.st_size);

  if (old_bytes < record.size_bytes) {
    RETURN_IF_ERROR(Resize(fd.get(), old_bytes, record), image.native());
  }
  if (::fsync(fd.get()) != 0) return FailErrno("fsync {}", image.native());
  // Its name is older than what was synced just now.
  return keeps_order_ ? Result<>{} : SyncDirectory(config_.path);
}

Result<> FilePool::Copy(const std::string& source, const std::string& id, Sync when) {
  if (!can_copy_) {
    return Fail(Code::kUnimplemented,
                "pool {}: its file system cannot share blocks (XFS with reflink=1 and btrfs can)",
                name());
  }
  auto copied = reflink::Clone(ImageOf(source), ImageOf(id), when);
  EndCopy(source, id);
  if (!copied && copied.error().code() == Code::kAlreadyExists) return {};
  return copied;
}

Result<std::optional<uint64_t>> FilePool::SizeOf(const std::string& id) const {
  struct stat info{};
  if (::lstat(ImageOf(id).c_str(), &info) == 0) {
    return std::optional(static_cast<uint64_t>(info.st_size));
  }
  if (errno == ENOENT) return std::nullopt;
  return FailErrno("stat {}", ImageOf(id).native());
}

Result<std::optional<UniqueFd>> FilePool::OpenBytes(const std::string& id) const {
  UniqueFd fd(::open(ImageOf(id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno("open {}", ImageOf(id).native());
  return std::optional(std::move(fd));
}

Result<std::vector<Extent>> FilePool::Written(const std::string& id) const {
  return WrittenExtents(ImageOf(id));
}

Result<> FilePool::Remove(const std::string& id) {
  return RemoveFile(ImageOf(id), /*durable=*/true);
}

Result<std::vector<std::string>> FilePool::List() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(config_.path));
  std::vector<std::string> ids;
  for (const std::string& file : files) {
    if (!file.ends_with(kImageSuffix)) continue;
    std::string id = file.substr(0, file.size() - kImageSuffix.size());
    if (IsVolumeId(id) || IsSnapshotId(id)) ids.push_back(std::move(id));
  }
  return ids;
}

Result<std::vector<std::string>> FilePool::ListAttached() const {
  ASSIGN_OR_RETURN(const std::set<std::string> shown, loop::ShownFileNames());
  ASSIGN_OR_RETURN(std::vector<std::string> ids, List());
  std::erase_if(ids,
                [&](const std::string& id) { return !shown.contains(ImageOf(id).filename()); });
  return ids;
}

Result<std::optional<BlockDevice>> FilePool::FindDevice(const std::string& id) const {
  return loops_.Find(ImageOf(id));
}

Result<std::optional<DeviceName>> FilePool::SeeDevice(const std::string& id) const {
  return loops_.See(ImageOf(id));
}

Result<BlockDevice> FilePool::Attach(const std::string& id, const AttachOptions& options) {
  ASSIGN_OR_RETURN(BlockDevice device, loop::Attach(ImageOf(id), options));
  loops_.Note(ImageOf(id), device);
  return device;
}

Result<> FilePool::Detach(const std::string& /*id*/, BlockDevice device) {
  return loop::Detach(device);
}

Result<> FilePool::Refresh(const BlockDevice& device) {
  return loop::Refresh(device);
}

}  // namespace trivet::csi
