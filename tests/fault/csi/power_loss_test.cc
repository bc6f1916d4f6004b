// A loss of power at any moment of any call: what was answered is there, whole, and what was not
// is there whole or not at all.

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "csi/filesystem/mount_table.h"
#include "csi/pool/loop_device.h"
#include "csi/volume/volume_id.h"
#include "tests/fault/csi/logged_disk.h"
#include "tests/integration/csi/copy_test.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::testing::Contains;
using testing::IsOk;
using ::testing::Not;

constexpr int kNever = 1000;

// The history of the test, in its order.
enum Step {
  kCreate,
  kFormat,
  kWrite,
  kSnapshot,
  kRestore,
  kClone,
  kExpand,
  kLeave,
  kGroup,
  kDeleteSnapshot,
  kDeleteClone,
  kDeleteGroup,
  kDeleteRestored,
  kSteps
};
constexpr std::array<const char*, kSteps> kNames = {
    "create",       "format",       "write",          "snapshot", "restore",
    "clone",        "expand",       "leave",          "group",    "delete snapshot",
    "delete clone", "delete group", "delete restored"};

// A file system of the pool, and of the records.
struct Home {
  const char* type;
  const char* make;
  bool shares;  // blocks: it has snapshots and copies
};

// What is a copy elsewhere is a new volume where no blocks are shared.
class PowerLoss : public CopyTest, public ::testing::WithParamInterface<Home> {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Records and pool on the disk that is mounted at "disk".
  void MountDisk(const std::filesystem::path& image);
  void UnmountDisk();
  void LeaveDisk();
  static bool Exists(int step);
  grpc::StatusCode Do(Step step);
  void WriteHistory();
  void CheckLossAt(Step step, size_t moment, unsigned seed);
  void CheckListed(const std::vector<std::string>& ids, const std::string& id, int made,
                   int removed, int step);
  void CheckObjects(int step);
  void CheckContent(const std::string& id);
  [[nodiscard]] std::string ImageIn(const std::string& id) const {
    return Path("disk/pool/" + id + ".img");
  }
  grpc::StatusCode CutGroup();
  grpc::StatusCode DeleteGroup();

  const std::string volume_ = VolumeIdOf("a");
  const std::string snapshot_ = SnapshotIdOf("s");
  const std::string restored_ = VolumeIdOf("r");
  const std::string clone_ = VolumeIdOf("c");
  std::unique_ptr<LoggedDisk> disk_;
  std::vector<size_t> ends_;  // of each step
  size_t start_ = 0;
};

void PowerLoss::SetUp() {
  DriverTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_TRUE(std::filesystem::exists("/dev/fuse")) << "the kernel has no FUSE";
  Kill();
  for (const char* folder : {"ram", "disk"}) std::filesystem::create_directory(Path(folder));
  ASSERT_EQ(::mount("ram", Path("ram").c_str(), "tmpfs", 0, nullptr), 0);
  const std::string image = Path("ram/start");
  std::ofstream(image).flush();
  std::filesystem::resize_file(image, uintmax_t{768} << 20);
  ASSERT_EQ(std::system((GetParam().make + image).c_str()), 0);
  disk_ = std::make_unique<LoggedDisk>(Path("fuse"), image);
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "pool", "type": "file", "path": ")"
                                  << Path("disk/pool") << "\"}]}";
  MountDisk(disk_->file());
  std::filesystem::create_directory(Path("disk/pool"));
  Start();
  ::sync();
  start_ = disk_->Moment();
}

void PowerLoss::TearDown() {
  if (HasFailure()) LeaveDisk();
  disk_.reset();
  if (!IsSkipped()) ::umount2(Path("ram").c_str(), MNT_DETACH);
  DriverTest::TearDown();
}

// After a failure, wherever that was: the disk cannot go while something is mounted from it.
void PowerLoss::LeaveDisk() {
  if (pid() != 0) Kill();
  const auto table = MountTable::Read();
  ASSERT_THAT(table, IsOk());
  for (const MountEntry& entry : table->entries()) {
    const std::string& target = entry.target.native();
    if (target.starts_with(Path("")) && target != Path("ram") && target != Path("fuse")) {
      ::umount2(target.c_str(), MNT_DETACH);
    }
  }
}

void PowerLoss::MountDisk(const std::filesystem::path& image) {
  const auto device = loop::Attach(image, {});
  ASSERT_THAT(device, IsOk());
  ASSERT_EQ(::mount(device->path.c_str(), Path("disk").c_str(), GetParam().type, 0, nullptr), 0)
      << std::strerror(errno);
  std::filesystem::create_directory(Path("disk/state"));
  ASSERT_EQ(::mount(Path("disk/state").c_str(), Path("state").c_str(), nullptr, MS_BIND, nullptr),
            0);
}

void PowerLoss::UnmountDisk() {
  EXPECT_EQ(::umount2(Path("state").c_str(), 0), 0) << std::strerror(errno);
  // A volume's device is let go by its last user, which may be another driver on this machine that
  // looks for its own devices just now.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int unmounted = -1;
  do {
    unmounted = ::umount2(Path("disk").c_str(), 0);
  } while (unmounted != 0 && errno == EBUSY && std::chrono::steady_clock::now() < give_up);
  EXPECT_EQ(unmounted, 0) << std::strerror(errno);
  // The next one has the same UUID: the kernel must not take it for this one.
  if (GetParam().type == std::string("btrfs")) {
    EXPECT_EQ(std::system("btrfs device scan --forget >/dev/null"), 0);
  }
}

bool PowerLoss::Exists(int step) {
  const bool shares_blocks =
      step == kSnapshot || step == kGroup || step == kDeleteSnapshot || step == kDeleteGroup;
  return GetParam().shares || !shares_blocks;
}

grpc::StatusCode PowerLoss::CutGroup() {
  Context context;
  ::csi::v1::CreateVolumeGroupSnapshotRequest request;
  ::csi::v1::CreateVolumeGroupSnapshotResponse response;
  request.set_name("g");
  request.add_source_volume_ids(volume_);
  request.add_source_volume_ids(clone_);
  return groups().CreateVolumeGroupSnapshot(&context, request, &response).error_code();
}

grpc::StatusCode PowerLoss::DeleteGroup() {
  Context context;
  ::csi::v1::DeleteVolumeGroupSnapshotRequest request;
  ::csi::v1::DeleteVolumeGroupSnapshotResponse response;
  request.set_group_snapshot_id(GroupIdOf("g"));
  return groups().DeleteVolumeGroupSnapshot(&context, request, &response).error_code();
}

grpc::StatusCode PowerLoss::Do(Step step) {
  std::string id;
  switch (step) {
    case kCreate:
      return Create("a", kExt4, id);
    case kSnapshot:
      return Snapshot(volume_, "s", id);
    case kRestore:
      return !GetParam().shares ? Create("r", kExt4, id)
                                : Copy(CopyRequest(snapshot_, "r", kExt4), id);
    case kClone:
      return !GetParam().shares ? Create("c", kExt4, id)
                                : Copy(CopyRequest(volume_, "c", kExt4), id);
    case kExpand:
      return Expand(volume_, 2 * kExt4.bytes);
    case kGroup:
      return CutGroup();
    case kDeleteSnapshot:
      return CopyTest::DeleteSnapshot(snapshot_);
    case kDeleteClone:
      return Delete(clone_);
    case kDeleteGroup:
      return DeleteGroup();
    case kDeleteRestored:
      return Delete(restored_);
    default:
      return grpc::OK;
  }
}

void PowerLoss::WriteHistory() {
  for (int step = 0; step < kSteps; ++step) {
    if (!Exists(step)) {
      ends_.push_back(disk_->Moment());
      continue;
    }
    if (step == kFormat) Use(volume_, kExt4, "t");
    if (step == kWrite) WriteData(kExt4, "t", "kept");
    if (step == kLeave) Leave(volume_, "t");
    ASSERT_EQ(Do(static_cast<Step>(step)), grpc::OK) << kNames[step] << DriverTest::message();
    ends_.push_back(disk_->Moment());
  }
  Kill();
  UnmountDisk();
}

// `made` and `removed` are the steps that did so; `step` is the one that was interrupted.
void PowerLoss::CheckListed(const std::vector<std::string>& ids, const std::string& id, int made,
                            int removed, int step) {
  if (made < step && step < removed) {
    EXPECT_THAT(ids, Contains(id)) << "made by " << kNames[made];
  }
  if (step < made || removed < step) {
    EXPECT_THAT(ids, Not(Contains(id)));
  }
}

void PowerLoss::CheckObjects(int step) {
  const std::vector<std::string> volumes = List();
  CheckListed(volumes, volume_, kCreate, kNever, step);
  CheckListed(volumes, restored_, kRestore, kDeleteRestored, step);
  CheckListed(volumes, clone_, kClone, kDeleteClone, step);
  if (kExpand < step) {
    EXPECT_GE(static_cast<int64_t>(std::filesystem::file_size(ImageIn(volume_))), 2 * kExt4.bytes);
  }
  if (!GetParam().shares) return;
  const std::vector<std::string> snapshots = ListSnapshots();
  CheckListed(snapshots, snapshot_, kSnapshot, kDeleteSnapshot, step);
  const auto members = std::ranges::count_if(
      snapshots, [&](const std::string& snapshot) { return snapshot != snapshot_; });
  const bool whole = members == 2;
  EXPECT_TRUE(whole || members == 0) << members << " members of the group snapshot";
  const bool must_be = kGroup < step && step < kDeleteGroup;
  const bool may_be = kGroup <= step && step <= kDeleteGroup;
  EXPECT_TRUE(whole ? may_be : !must_be) << members << " members of the group snapshot";
}

void PowerLoss::CheckContent(const std::string& id) {
  Use(id, kExt4, "t");
  EXPECT_EQ(ReadData(kExt4, "t", 4), "kept") << id;
  Leave(id, "t");
  const std::string check = "e2fsck -fn " + ImageIn(id) + " >/dev/null 2>&1";
  EXPECT_EQ(std::system(check.c_str()), 0) << id;
}

void PowerLoss::CheckLossAt(Step step, size_t moment, unsigned seed) {
  SCOPED_TRACE(std::string(kNames[step]) + ", at " + std::to_string(moment) + ", seed " +
               std::to_string(seed));
  std::mt19937 random(seed);
  const std::string image = Path("ram/lost");
  disk_->LosePower(moment, random, image);
  MountDisk(image);
  if (HasFatalFailure()) return;
  Start();
  CheckObjects(step);
  // The CO asks again, and then it is as if nothing had happened.
  EXPECT_EQ(Do(step), grpc::OK) << DriverTest::message() << message();
  if (step == kFormat || step == kWrite) {
    Use(volume_, kExt4, "t");
    if (step == kWrite) WriteData(kExt4, "t", "kept");
    Leave(volume_, "t");
  }
  CheckObjects(step + 1);
  for (const std::string& id : List()) {
    if (step >= kWrite && (GetParam().shares || id == volume_)) CheckContent(id);
  }
  Stop();
  for (const char* folder : {"state/volumes", "state/snapshots", "state/groups"}) {
    for (const auto& entry : std::filesystem::directory_iterator(Path(folder))) {
      EXPECT_EQ(entry.path().extension(), ".json") << entry.path();
    }
  }
  UnmountDisk();
}

// TRIVET_POWER_LOSSES: how many moments of each call, three when it is not set.
TEST_P(PowerLoss, LosesNothingThatWasAnswered) {
  const char* text = std::getenv("TRIVET_POWER_LOSSES");
  const int losses = text == nullptr ? 3 : std::max(1, std::atoi(text));
  WriteHistory();
  if (HasFailure()) return;
  unsigned seed = 0;
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    const size_t begin = step == 0 ? start_ : ends_[static_cast<size_t>(step) - 1];
    const size_t end = ends_[static_cast<size_t>(step)];
    for (int loss = 0; loss < losses && Exists(step) && !HasFailure(); ++loss) {
      std::mt19937 random(++seed);
      CheckLossAt(static_cast<Step>(step), std::uniform_int_distribution(begin, end)(random), seed);
    }
  }
  RecordProperty("losses", static_cast<int>(seed));
}

INSTANTIATE_TEST_SUITE_P(Pools, PowerLoss,
                         ::testing::Values(Home{"xfs", "mkfs.xfs -q -s size=4096 -m reflink=1 ",
                                                true},
                                           Home{"ext4", "mkfs.ext4 -q -b 4096 ", false},
                                           Home{"btrfs", "mkfs.btrfs -q ", true}),
                         [](const auto& test) { return std::string(test.param.type); });

}  // namespace
}  // namespace trivet::csi
