#include "cri-runtime/checkpoint/saving.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "cri-runtime/checkpoint/external.h"
#include "cri-runtime/checkpoint/metadata.h"
#include "cri-runtime/checkpoint/rootfs_diff.h"
#include "cri-runtime/checkpoint/tar_writer.h"
#include "cri-runtime/state/fields.h"

namespace trivet::checkpoint {
namespace {

constexpr const char* kIntentFile = "intent";
constexpr const char* kImagesFolder = "images";
constexpr const char* kWorkFolder = "work";
constexpr const char* kDiffFile = "rootfs-diff.tar";

void LogTrouble(const char* step, const std::string& id, const Result<>& result) {
  if (result) return;
  spdlog::error("checkpoint: {} failed container={} error=\"{}\"", step, id,
                result.error().message());
}

// True when nothing of it is left.
Result<bool> ClearLeftover(cri::Node& node, const std::filesystem::path& folder) {
  const auto lock = FileLock::TryAcquire(folder / kIntentFile);
  if (!lock && lock.error().code() == Code::kAborted) return false;
  if (!lock) return std::unexpected(lock.error());
  ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / kIntentFile));
  // Empty: killed before anything was done.
  if (!text.empty()) {
    ASSIGN_OR_RETURN(const Intent intent, state::Decode<Intent>(text));
    ASSIGN_OR_RETURN(auto freezer,
                     CgroupFreezer::Of(node.cgroups, node.config->cgroup_root, intent.group));
    freezer.set_origin(intent.freezer_origin);
    RETURN_IF_ERROR(freezer.Thaw());
    RETURN_IF_ERROR(RemoveFile(PartialOf(intent.archive)));
  }
  RETURN_IF_ERROR(RemoveTree(folder));
  return true;
}

}  // namespace

std::filesystem::path PartialOf(const std::filesystem::path& archive) {
  return archive.native() + ".partial";
}

Saving::Saving(cri::Node& node, std::shared_ptr<const state::Container> container,
               std::filesystem::path archive)
    : node_(&node),
      container_(std::move(container)),
      archive_(std::move(archive)),
      folder_(node.paths.Checkpoint(id())) {}

Result<Saving> Saving::Begin(cri::Node& node, std::shared_ptr<const state::Container> container,
                             std::filesystem::path archive) {
  const std::filesystem::path folder = node.paths.Checkpoint(container->record->id);
  RETURN_IF_ERROR(EnsureDirectory(folder));
  auto lock = FileLock::TryAcquire(folder / kIntentFile);
  if (!lock && lock.error().code() == Code::kAborted) {
    return Fail(Code::kAborted, "another checkpoint of it is at work");
  }
  if (!lock) return std::unexpected(lock.error());
  Saving saving(node, std::move(container), std::move(archive));
  saving.intent_ = std::move(*lock);
  for (const char* name : {kImagesFolder, kWorkFolder}) {
    RETURN_IF_ERROR(RemoveTree(folder / name));  // of one that could not be cleared
    RETURN_IF_ERROR(EnsureDirectory(folder / name));
  }
  RETURN_IF_ERROR(saving.WriteIntent());
  return saving;
}

Result<> Saving::WriteIntent() {
  const std::string& group = container_->record->cgroup;
  ASSIGN_OR_RETURN(freezer_, CgroupFreezer::Of(node_->cgroups, node_->config->cgroup_root, group));
  RETURN_IF_ERROR(freezer_->FindOrigin());
  const Intent intent{archive_, group, freezer_->origin()};
  // In place: the lock is on this very file.
  if (::ftruncate(intent_->fd(), 0) != 0) return FailErrno("truncate {}", kIntentFile);
  RETURN_IF_ERROR(WriteAll(intent_->fd(), state::Encode(intent), kIntentFile));
  if (::fsync(intent_->fd()) != 0) return FailErrno("fsync {}", kIntentFile);
  return SyncDirectory(folder_);
}

Saving::~Saving() {
  if (folder_.empty()) return;
  LogTrouble("let it run on", id(), Thaw());
  if (frozen_) return;  // for the next start
  LogTrouble("remove the unfinished archive", id(), RemoveFile(PartialOf(archive_)));
  LogTrouble("remove its files", id(), RemoveTree(folder_));
}

Result<> Saving::Freeze(Deadline deadline) {
  frozen_ = true;
  return freezer_->Freeze(deadline);
}

Result<> Saving::Capture(const std::filesystem::path& criu, Deadline deadline) {
  const pid_t pid = container_->state.pid;
  ASSIGN_OR_RETURN(std::vector<std::string> external, FindExternal(pid));
  const Dump dump{.pid = pid,
                  .images = folder_ / kImagesFolder,
                  .work = folder_ / kWorkFolder,
                  .freezer = freezer_->folder(),
                  .external = std::move(external),
                  .kept_fd = intent_->fd()};
  RETURN_IF_ERROR(RunDump(criu, dump, deadline));
  return WriteRootfsDiff(node_->paths.Upper(id()) / "fs",
                         container_->record->config.security.namespaces.user, folder_ / kDiffFile);
}

Result<> Saving::Thaw() {
  if (!frozen_) return {};
  RETURN_IF_ERROR(freezer_->Thaw());
  frozen_ = false;
  return {};
}

Result<> Saving::WriteArchive(int64_t captured_at_ns) {
  const auto pod = node_->store.Get()->FindSandbox(container_->record->sandbox_id);
  if (pod == nullptr) return Fail(Code::kNotFound, "its sandbox is gone");
  ASSIGN_OR_RETURN(TarWriter tar, TarWriter::Create(PartialOf(archive_)));
  RETURN_IF_ERROR(tar.AddText("config.dump", ConfigDump(*container_, captured_at_ns)));
  RETURN_IF_ERROR(tar.AddText("spec.dump", SpecDump(*container_, *pod->record)));
  RETURN_IF_ERROR(tar.AddTree("checkpoint", folder_ / kImagesFolder));
  for (const char* name : {"dump.log", "stats-dump"}) {
    RETURN_IF_ERROR(tar.Add(name, folder_ / kWorkFolder / name));
  }
  RETURN_IF_ERROR(tar.Add(kDiffFile, folder_ / kDiffFile));
  return tar.Finish();
}

Result<> Saving::Publish() {
  const std::filesystem::path partial = PartialOf(archive_);
  if (::rename(partial.c_str(), archive_.c_str()) != 0) {
    return FailErrno("rename {} to {}", partial.native(), archive_.native());
  }
  return SyncDirectory(archive_.parent_path());
}

Result<bool> ClearLeftovers(cri::Node& node) {
  const auto names = ListDirectory(node.paths.Checkpoints());
  if (!names && names.error().code() == Code::kNotFound) return true;
  if (!names) return std::unexpected(names.error());
  bool all = true;
  for (const std::string& name : *names) {
    ASSIGN_OR_RETURN(const bool cleared, ClearLeftover(node, node.paths.Checkpoint(name)), name);
    all = all && cleared;
  }
  return all;
}

}  // namespace trivet::checkpoint
