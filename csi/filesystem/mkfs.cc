#include "csi/filesystem/mkfs.h"

#include <unistd.h>

#include "common/linux/file.h"
#include "csi/filesystem/tool.h"

namespace trivet::csi {
namespace {

std::string Describe(const Superblock& found) {
  if (found.file_system) {
    return fmt::format("{} with UUID {}", NameOf(*found.file_system), found.uuid);
  }
  return found.blank ? "nothing" : "unknown data";
}

Result<FormatStep> CheckReady(const VolumeRecord& record, const Superblock& found) {
  if (found.file_system == record.usage.file_system && found.uuid == record.file_system_uuid) {
    return FormatStep::kNothing;
  }
  return Fail(found.file_system ? Code::kFailedPrecondition : Code::kDataLoss,
              "its {} with UUID {} is gone, found {}; it is not formatted again",
              NameOf(record.usage.file_system), record.file_system_uuid, Describe(found));
}

// No discard: it would punch holes into a thick volume's image.
std::vector<std::string> CommandOf(FileSystem file_system, const std::string& uuid) {
  switch (file_system) {
    case FileSystem::kExt4:
      return {"mkfs.ext4", "-q",   "-m", "0",
              "-b",        "4096", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
              "-U",        uuid};
    case FileSystem::kXfs:
      return {"mkfs.xfs", "-q", "-K", "-s", "size=4096", "-m", "uuid=" + uuid};
    case FileSystem::kBtrfs:
      return {"mkfs.btrfs", "-q", "-K", "-s", "4096", "-U", uuid};
  }
  return {};
}

}  // namespace

Result<FormatStep> DecideFormat(const VolumeRecord& record, const Superblock& found) {
  switch (record.content) {
    case Content::kNeverFormatted:
      if (found.blank) return FormatStep::kFormat;
      return Fail(Code::kFailedPrecondition,
                  "it was never formatted, yet it holds {}; it is not formatted over",
                  Describe(found));
    case Content::kFormatting:
      return FormatStep::kFormatAgain;
    case Content::kReady:
      return CheckReady(record, found);
    case Content::kRaw:
      return Fail(Code::kFailedPrecondition,
                  "it was used as a block device; it is not formatted over");
  }
  return Fail(Code::kInternal, "unknown content state");
}

std::vector<std::string> MkfsCommand(FileSystem file_system, const std::string& uuid, bool again,
                                     const std::filesystem::path& device) {
  std::vector<std::string> command = CommandOf(file_system, uuid);
  if (again) command.emplace_back(file_system == FileSystem::kExt4 ? "-F" : "-f");
  command.push_back(device);
  return command;
}

Result<> MakeFileSystem(const std::vector<std::string>& command, int device_fd) {
  constexpr auto kDeadline = std::chrono::minutes(5);  // a thin pool on a slow disk, not a hang
  RETURN_IF_ERROR(RunToolChecked(command, kDeadline));
  if (::fsync(device_fd) != 0) return FailErrno("fsync {}", command.back());
  return {};
}

Result<std::string> NewUuid() {
  ASSIGN_OR_RETURN(std::string uuid, ReadFile("/proc/sys/kernel/random/uuid"), "new UUID");
  while (!uuid.empty() && uuid.back() == '\n') uuid.pop_back();
  return uuid;
}

}  // namespace trivet::csi
