// Snapshots and clones: content, independence, paging, refusals, crashes.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

class Copies : public CopyTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(Copies, OfASnapshotHoldTheMomentOfTheCut) {
  const Kind& kind = GetParam();
  const std::string source = Created("source", kind);
  Use(source, kind, "t");
  WriteData(kind, "t", "before");
  const std::string snapshot = Cut(source, "snap");
  EXPECT_EQ(Cut(source, "snap"), snapshot);
  WriteData(kind, "t", "after!");

  const std::string copy = Copied(snapshot, "copy", kind);
  EXPECT_EQ(Copied(snapshot, "copy", kind), copy);
  Use(copy, kind, "t2");
  EXPECT_EQ(ReadData(kind, "t2", 6), "before");
  WriteData(kind, "t2", "copied");
  EXPECT_EQ(ReadData(kind, "t", 6), "after!");

  Leave(source, "t");
  Leave(copy, "t2");
  for (const std::string& id : {source, copy}) EXPECT_EQ(Delete(id), grpc::OK);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(DeleteSnapshot(snapshot), grpc::OK) << message();
  EXPECT_TRUE(ListSnapshots().empty());
  EXPECT_TRUE(std::filesystem::is_empty(Path("pool")));
}

TEST_P(Copies, OfASnapshotNeedNotTheVolume) {
  const Kind& kind = GetParam();
  const std::string source = Created("source", kind);
  Use(source, kind, "t");
  WriteData(kind, "t", "kept");
  const std::string snapshot = Cut(source, "snap");
  Leave(source, "t");
  ASSERT_EQ(Delete(source), grpc::OK);
  Restart();

  const std::string copy = Copied(snapshot, "copy", kind);
  ASSERT_EQ(DeleteSnapshot(snapshot), grpc::OK) << message();
  Use(copy, kind, "t");

  EXPECT_EQ(ReadData(kind, "t", 4), "kept");
  Leave(copy, "t");
}

TEST_P(Copies, OfAVolumeInUseMayBeLarger) {
  const Kind& kind = GetParam();
  const std::string source = Created("source", kind);
  Use(source, kind, "t");
  WriteData(kind, "t", "cloned");
  auto request = CopyRequest(source, "clone", kind);
  request.mutable_capacity_range()->set_required_bytes(2 * kind.bytes);
  std::string clone;
  ASSERT_EQ(Copy(request, clone), grpc::OK) << message();
  WriteData(kind, "t", "newer!");

  Use(clone, kind, "t2");
  EXPECT_EQ(ReadData(kind, "t2", 6), "cloned");
  ::csi::v1::NodeGetVolumeStatsResponse stats;
  ASSERT_EQ(Stats(clone, Path("t2"), stats), grpc::OK);
  EXPECT_GT(stats.usage(0).total(), kind.bytes * 3 / 2);
  Leave(clone, "t2");
  Leave(source, "t");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Copies, ::testing::Values(kExt4, kXfs, kBtrfs, kBlock),
                         [](const auto& row) { return row.param.name; });

class Snapshotting : public CopyTest {
 protected:
  void Rewrite(const std::filesystem::path& record, const std::string& from,
               const std::string& to) {
    std::string text = ReadFile(record).value_or("");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    std::ofstream(record) << text.replace(at, from.size(), to);
  }
  [[nodiscard]] std::filesystem::path SnapshotRecordOf(const std::string& id) const {
    return Path("state/snapshots/" + id + ".json");
  }
  [[nodiscard]] std::vector<int> Capabilities() {
    Context context;
    ::csi::v1::ControllerGetCapabilitiesResponse response;
    EXPECT_TRUE(controller().ControllerGetCapabilities(&context, {}, &response).ok());
    std::vector<int> types;
    for (const auto& capability : response.capabilities()) types.push_back(capability.rpc().type());
    return types;
  }
};

TEST_F(Snapshotting, IsListedInPagesAndBySource) {
  const std::string one = Created("one", kExt4);
  const std::string two = Created("two", kExt4);
  std::vector<std::string> all = {Cut(one, "a"), Cut(one, "b"), Cut(one, "c"), Cut(two, "d")};
  std::ranges::sort(all);

  ::csi::v1::ListSnapshotsRequest request;
  request.set_max_entries(3);
  std::string token;
  EXPECT_EQ(ListSnapshots(request, &token), std::vector(all.begin(), all.begin() + 3));
  request.set_max_entries(0);
  request.set_starting_token(token);
  EXPECT_EQ(ListSnapshots(request, &token), std::vector{all.back()});
  EXPECT_EQ(token, "");

  request.Clear();
  request.set_source_volume_id(one);
  EXPECT_EQ(ListSnapshots(request).size(), 3U);
  request.set_source_volume_id("unknown");
  EXPECT_TRUE(ListSnapshots(request).empty());
  request.Clear();
  request.set_snapshot_id(all[1]);
  EXPECT_EQ(ListSnapshots(request), std::vector{all[1]});

  Context context;
  ::csi::v1::GetSnapshotRequest get;
  ::csi::v1::GetSnapshotResponse got;
  get.set_snapshot_id(all[2]);
  ASSERT_TRUE(controller().GetSnapshot(&context, get, &got).ok());
  EXPECT_EQ(got.snapshot().snapshot_id(), all[2]);
  EXPECT_TRUE(got.snapshot().ready_to_use());
  EXPECT_EQ(got.snapshot().size_bytes(), kExt4.bytes);
  EXPECT_GT(got.snapshot().creation_time().seconds(), 1'700'000'000);
}

TEST_F(Snapshotting, RefusesWhatItCannotAnswer) {
  const std::string volume = Created("one", kExt4);
  const std::string other = Created("two", kExt4);
  Cut(volume, "snap");
  std::string id;
  EXPECT_EQ(Snapshot(other, "snap", id), grpc::ALREADY_EXISTS);
  EXPECT_NE(message().find(volume), std::string::npos) << message();
  EXPECT_EQ(Snapshot("unknown", "new", id), grpc::NOT_FOUND);
  EXPECT_EQ(Snapshot("", "new", id), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Snapshot(volume, "", id), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(DeleteSnapshot("unknown"), grpc::OK);
  EXPECT_EQ(DeleteSnapshot(""), grpc::INVALID_ARGUMENT);
}

TEST_F(Snapshotting, RefusesACopyThatCouldNotBeUsed) {
  const std::string volume = Created("one", kExt4);
  Use(volume, kExt4, "t");
  Leave(volume, "t");
  const std::string snapshot = Cut(volume, "snap");
  std::string id;

  EXPECT_EQ(Copy(CopyRequest(snapshot, "x", kXfs), id), grpc::INVALID_ARGUMENT);
  EXPECT_NE(message().find("its file system is ext4, not xfs"), std::string::npos) << message();
  EXPECT_EQ(Copy(CopyRequest(snapshot, "b", kBlock), id), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Copy(CopyRequest("s-unknown", "n", kExt4), id), grpc::NOT_FOUND);
  EXPECT_EQ(Copy(CopyRequest("unknown", "n", kExt4), id), grpc::NOT_FOUND);
  auto small = CopyRequest(snapshot, "s", kExt4);
  small.mutable_capacity_range()->set_limit_bytes(kExt4.bytes / 2);
  EXPECT_EQ(Copy(small, id), grpc::OUT_OF_RANGE);
  EXPECT_EQ(Copy(CopyRequest(snapshot, "one", kExt4), id), grpc::ALREADY_EXISTS);
  EXPECT_EQ(List(), std::vector{volume});
}

TEST_F(Snapshotting, KeepsThePromiseThatVolumesCanBeWrittenInFull) {
  const Kind half{"block", int64_t{1200} << 20};  // of the pool's 2 GiB
  const std::string volume = Created("big", half);
  const int64_t capacity = Capacity();
  std::string id;

  EXPECT_EQ(Snapshot(volume, "snap", id), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Copy(CopyRequest(volume, "clone", half), id), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Capacity(), capacity);
  EXPECT_TRUE(ListSnapshots().empty());
  EXPECT_EQ(List(), std::vector{volume});
}

TEST_F(Snapshotting, ThawsWhatAKillLeftFrozen) {
  const std::string volume = Created("one", kExt4);
  Use(volume, kExt4, "t");
  Kill();
  Rewrite(Path("state/attachments/" + volume + ".json"), "\"frozen\": false", "\"frozen\": true");
  UniqueFd fd(::open(Path("t").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::ioctl(fd.get(), FIFREEZE, 0), 0);

  Start();

  EXPECT_NE(::ioctl(fd.get(), FITHAW, 0), 0) << "it was still frozen";
  fd.reset();
  WriteData(kExt4, "t", "goes on");
  Leave(volume, "t");
}

TEST_F(Snapshotting, RemovesAtStartWhatWasNotCut) {
  const std::string snapshot = Cut(Created("one", kExt4), "snap");
  Kill();
  Rewrite(SnapshotRecordOf(snapshot), "\"cut\": true", "\"cut\": false");
  Start();

  EXPECT_FALSE(std::filesystem::exists(SnapshotRecordOf(snapshot)));
  EXPECT_FALSE(std::filesystem::exists(ImageOf(snapshot)));
}

TEST_F(Snapshotting, FillsAtStartTheCopyThatAKillInterrupted) {
  const std::string volume = Created("one", kExt4);
  Use(volume, kExt4, "t");
  WriteData(kExt4, "t", "kept");
  Leave(volume, "t");
  const std::string clone = Copied(volume, "clone", kExt4);
  const std::string orphan = Copied(volume, "orphan", kExt4);
  Kill();
  for (const std::string& id : {clone, orphan}) std::filesystem::remove(ImageOf(id));
  Rewrite(RecordOf(orphan), volume, "v-" + std::string(32, 'a'));
  Start();

  EXPECT_FALSE(std::filesystem::exists(RecordOf(orphan))) << "its source is gone";
  Use(clone, kExt4, "t");
  EXPECT_EQ(ReadData(kExt4, "t", 4), "kept");
  Leave(clone, "t");
}

TEST_F(Snapshotting, OfAFragmentedVolumeInUseIsRefusedAboveTheLimitOfItsPool) {
  Kill();
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "xfs", "type": "file", "path": ")"
                                  << Path("pool") << R"(", "maxCopyExtents": 16}]})";
  Start();
  const std::string volume = Created("one", kBlock);
  Use(volume, kBlock, "t");
  {
    const UniqueFd device(::open(Path("t").c_str(), O_WRONLY | O_CLOEXEC));
    const std::string block(4096, 'x');
    for (int i = 0; i < 64; ++i) {
      ASSERT_EQ(::pwrite(device.get(), block.data(), block.size(), i * 8192), 4096);
    }
    ASSERT_EQ(::fsync(device.get()), 0);
  }

  std::string snapshot;
  EXPECT_EQ(Snapshot(volume, "snap", snapshot), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(message(), ::testing::HasSubstr("maxCopyExtents is 16"));
  EXPECT_TRUE(ListSnapshots().empty());
  Leave(volume, "t");
  Cut(volume, "snap");
}

TEST_F(Snapshotting, IsReportedUpToTheSpecLevel) {
  using Rpc = ::csi::v1::ControllerServiceCapability::RPC;
  EXPECT_THAT(Capabilities(),
              ::testing::IsSupersetOf({int{Rpc::CREATE_DELETE_SNAPSHOT}, int{Rpc::LIST_SNAPSHOTS},
                                       int{Rpc::CLONE_VOLUME}, int{Rpc::GET_SNAPSHOT}}));
  Kill();
  Start({"--spec-level", "1.11"});
  EXPECT_THAT(Capabilities(), ::testing::Not(::testing::Contains(int{Rpc::GET_SNAPSHOT})));
}

class WithoutSharing : public CopyTest {
 protected:
  void SetUp() override { DriverTest::SetUp(); }
};

TEST_F(WithoutSharing, NoSnapshotIsClaimedNorMade) {
  struct statfs info{};
  ASSERT_EQ(::statfs(Path("state").c_str(), &info), 0);
  if (info.f_type != EXT4_SUPER_MAGIC && info.f_type != TMPFS_MAGIC) {
    GTEST_SKIP() << "the temporary folder is on a file system that shares blocks";
  }
  std::string id;
  EXPECT_EQ(Snapshot(Created("one", kExt4), "snap", id), grpc::UNIMPLEMENTED);
  EXPECT_NE(message().find("can share blocks"), std::string::npos) << message();
  EXPECT_TRUE(ListSnapshots().empty());
}

}  // namespace
}  // namespace trivet::csi
