#include "csi/volume/inline_volumes.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "common/linux/file.h"
#include "csi/volume/target_path.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

// No volume of CreateVolume has a name with this character.
std::string NameOfInline(const std::string& handle) {
  return "inline\x1f" + handle;
}

}  // namespace

bool InlineVolumes::IsHandle(std::string_view handle) {
  constexpr std::string_view kPrefix = "csi-";
  constexpr size_t kDigits = 64;
  return handle.starts_with(kPrefix) && handle.size() == kPrefix.size() + kDigits &&
         std::ranges::all_of(handle.substr(kPrefix.size()), [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

std::string InlineVolumes::IdOf(const std::string& handle) {
  return VolumeIdOf(NameOfInline(handle));
}

Result<> InlineVolumes::Publish(const InlineRequest& request) {
  CreateRequest create = request.create;
  create.name = NameOfInline(request.handle);
  create.inline_target = request.target_path;
  ASSIGN_OR_RETURN(const VolumeRecord record, provisioner_.Create(create), "inline volume");
  const std::filesystem::path staging = staging_ / record.id;
  RETURN_IF_ERROR(EnsureDirectory(staging), "inline volume");
  RETURN_IF_ERROR(
      volumes_.Stage({.id = record.id, .staging_path = staging, .capability = request.capability}));
  return volumes_.Publish({.id = record.id,
                           .staging_path = staging,
                           .target_path = request.target_path,
                           .capability = request.capability,
                           .read_only = request.read_only});
}

Result<> InlineVolumes::Unpublish(const std::string& handle,
                                  const std::filesystem::path& target_path) {
  const std::string id = IdOf(handle);
  const auto record = records_.Find(id);
  const bool gone = !record && record.error().code() == Code::kNotFound;
  return gone ? RemoveTarget(Resolve(target_path)) : Remove(id, target_path);
}

Result<> InlineVolumes::Remove(const std::string& id, const std::filesystem::path& target_path) {
  const std::filesystem::path staging = staging_ / id;
  RETURN_IF_ERROR(volumes_.Unpublish(id, target_path));
  RETURN_IF_ERROR(volumes_.Unstage(id, staging));
  RETURN_IF_ERROR(provisioner_.Delete(id));
  if (::rmdir(staging.c_str()) != 0 && errno != ENOENT)
    return FailErrno("rmdir {}", staging.native());
  return {};
}

void InlineVolumes::Reconcile() {
  for (const VolumeRecord& record : records_.All()) {
    if (record.inline_target.empty()) continue;
    std::error_code error;
    const std::filesystem::path target = record.inline_target;
    if (std::filesystem::exists(target.parent_path(), error) || error) continue;
    spdlog::info("its pod is gone: deleting inline volume={}", record.id);
    if (auto removed = Remove(record.id, target); !removed) {
      spdlog::error("not deleted volume={} reason=\"{}\"", record.id, removed.error().message());
    }
  }
}

}  // namespace trivet::csi
