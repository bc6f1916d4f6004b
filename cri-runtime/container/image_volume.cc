#include "cri-runtime/container/image_volume.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/linux/file.h"
#include "common/linux/path_in_root.h"

namespace trivet::container {
namespace {

// One layer is a folder; several are an overlay without an upper one. Only an overlay can have
// another label than its files, and it wants two folders: `scratch` is an empty one.
Result<DetachedMount> MountLayers(const image::Image& image, const std::filesystem::path& scratch,
                                  int user_namespace_fd, const std::string& selinux_label) {
  std::vector<std::filesystem::path> lower = image.LowerDirectories();
  if (lower.size() == 1 && !selinux_label.empty()) {
    RETURN_IF_ERROR(EnsureDirectory(scratch));
    lower.push_back(scratch);
  }
  if (lower.size() > 1) {
    return DetachedMount::Overlay(
        {.lower = lower, .user_namespace_fd = user_namespace_fd, .selinux_label = selinux_label});
  }
  ASSIGN_OR_RETURN(DetachedMount layer, DetachedMount::Bind(image.layer_directories.front()));
  if (user_namespace_fd >= 0) RETURN_IF_ERROR(layer.SetIdMapping(user_namespace_fd));
  return layer;
}

Result<UniqueFd> OpenPart(const DetachedMount& whole, const std::string& sub_path) {
  auto part = OpenInRoot(whole.fd(), "/" + sub_path, O_PATH);
  if (part) return part;
  return std::unexpected(std::move(part).error().Wrap("image_sub_path"));
}

// Before Linux 6.15 only what is attached can be copied.
Result<DetachedMount> CopyAttached(DetachedMount whole, const std::string& sub_path,
                                   const std::filesystem::path& scratch) {
  RETURN_IF_ERROR(EnsureDirectory(scratch));
  RETURN_IF_ERROR(std::move(whole).AttachTo(scratch));
  const UniqueFd root(::open(scratch.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto part = root.valid() ? OpenInRoot(root.get(), "/" + sub_path, O_PATH)
                           : Result<UniqueFd>(FailErrno("open {}", scratch.native()));
  auto copy = part ? DetachedMount::Bind(part->get())
                   : Result<DetachedMount>(std::unexpected(std::move(part).error()));
  RETURN_IF_ERROR(Unmount(scratch, true));
  return copy;
}

}  // namespace

Result<ImageTree> MountImage(const image::Image& image, const std::string& sub_path,
                             const std::filesystem::path& scratch, int user_namespace_fd,
                             const std::string& selinux_label) {
  ASSIGN_OR_RETURN(DetachedMount tree,
                   MountLayers(image, scratch, user_namespace_fd, selinux_label),
                   "image " + image.id);
  bool is_directory = true;
  if (!sub_path.empty()) {
    ASSIGN_OR_RETURN(const UniqueFd part, OpenPart(tree, sub_path));
    struct stat status{};
    if (::fstat(part.get(), &status) != 0) return FailErrno("stat {}", sub_path);
    is_directory = S_ISDIR(status.st_mode);
    auto copy = DetachedMount::Bind(part.get());
    if (!copy && copy.error().sys_errno() == EINVAL) {
      copy = CopyAttached(std::move(tree), sub_path, scratch);
    }
    if (!copy) return std::unexpected(std::move(copy).error());
    tree = std::move(*copy);
  }
  RETURN_IF_ERROR(tree.SetAttributes(MOUNT_ATTR_RDONLY), "image " + image.id);
  return ImageTree{std::move(tree), is_directory};
}

std::vector<image::Pin> PinsOf(const Record& record) {
  std::vector<image::Pin> pins{{.owner = record.id, .image_id = record.image_id}};
  for (size_t i = 0; i < record.volume_images.size(); ++i) {
    pins.push_back(
        {.owner = fmt::format("{}/{}", record.id, i), .image_id = record.volume_images[i]});
  }
  return pins;
}

Result<std::vector<std::string>> FindVolumeImages(const Config& config,
                                                  const image::Store& images) {
  std::vector<std::string> found;
  for (const Mount& mount : config.mounts) {
    if (mount.image.empty()) continue;
    const auto image = images.Find(mount.image);
    if (!image) {
      return Fail(Code::kNotFound, "mount {}: image {} is not on this node", mount.container_path,
                  mount.image);
    }
    found.push_back(image->id);
  }
  return found;
}

}  // namespace trivet::container
