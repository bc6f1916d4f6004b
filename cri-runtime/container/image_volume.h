#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/mount.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/image/image.h"
#include "cri-runtime/image/store.h"

namespace trivet::container {

/// An image's content, or a folder or file of it, read-only and nowhere yet.
struct ImageTree {
  DetachedMount tree;
  bool is_directory = true;
};

/// `sub_path` is looked for inside of the image: no link of it leads out. `scratch` is an empty
/// folder for a moment's mount where the kernel cannot copy a part of a detached one (before 6.15).
/// `user_namespace_fd` is the one that owners are mapped to, or -1; `selinux_label` that of all
/// files, or empty for those they have. Errors: kNotFound for a sub_path that the image does not
/// have; the kernel's.
Result<ImageTree> MountImage(const image::Image& image, const std::string& sub_path,
                             const std::filesystem::path& scratch, int user_namespace_fd,
                             const std::string& selinux_label);

/// The images a container's record names, as the image store knows their users: its own, and one
/// per image volume.
std::vector<image::Pin> PinsOf(const Record& record);

/// The images of the volumes, by the order of the mounts. Errors: kNotFound.
Result<std::vector<std::string>> FindVolumeImages(const Config& config, const image::Store& images);

}  // namespace trivet::container
