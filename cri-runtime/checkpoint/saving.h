#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/linux/cgroup_freezer.h"
#include "common/linux/file_lock.h"
#include "cri-runtime/checkpoint/criu.h"
#include "cri-runtime/node.h"
#include "cri-runtime/state/snapshot.h"

namespace trivet::checkpoint {

/// What a checkpoint of a container is about to leave on the node: written before it does.
struct Intent {
  std::string archive;         // the file to write
  std::string group;           // the control group that is frozen
  std::string freezer_origin;  // see CgroupFreezer::origin
};

/// One container on its way into an archive:
///
///   <state>/checkpoints/<container>/intent       durable before anything is frozen; locked while
///                                                this or its CRIU is at work
///                                   images/      CRIU's
///                                   work/        CRIU's log and statistics
///                                   rootfs-diff.tar
///   <archive>.partial                            renamed to <archive> when it is whole
///
/// Whatever is left is taken away when this goes; the container runs on.
class Saving {
 public:
  /// Errors: kAborted while another one is at work on the container.
  static Result<Saving> Begin(cri::Node& node, std::shared_ptr<const state::Container> container,
                              std::filesystem::path archive);
  Saving(Saving&&) = default;
  Saving& operator=(Saving&&) = delete;
  ~Saving();

  /// The steps, in this order.
  Result<> Freeze(Deadline deadline);
  Result<> Capture(const std::filesystem::path& criu, Deadline deadline);
  Result<> Thaw();
  Result<> WriteArchive(int64_t captured_at_ns);
  Result<> Publish();

 private:
  Saving(cri::Node& node, std::shared_ptr<const state::Container> container,
         std::filesystem::path archive);
  Result<> WriteIntent();
  [[nodiscard]] const std::string& id() const { return container_->record->id; }

  cri::Node* node_;
  std::shared_ptr<const state::Container> container_;
  std::filesystem::path archive_;
  std::filesystem::path folder_;  // empty: moved from
  std::optional<FileLock> intent_;
  std::optional<CgroupFreezer> freezer_;
  bool frozen_ = false;
};

/// The file an archive is while it is not whole.
std::filesystem::path PartialOf(const std::filesystem::path& archive);

/// Finishes what a killed daemon left in <state>/checkpoints: lets the processes run on, takes the
/// files away. False while a CRIU of before is still at work: to be called again.
Result<bool> ClearLeftovers(cri::Node& node);

template <class Codec>
void Fields(Codec& c, Intent& m) {
  c("archive", m.archive), c("group", m.group), c("freezer_origin", m.freezer_origin);
}

}  // namespace trivet::checkpoint
