// kill -9 and errors at every system call of every call that changes something.

#include <cstdlib>

#include "common/linux/file.h"
#include "tests/fault/csi/injected_test.h"

namespace trivet::csi {
namespace {

class Injected : public InjectedTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void TearDown() override {
    if (!IsSkipped() && !HasFatalFailure()) {
      EXPECT_TRUE(List().empty());
      Restart();  // it removes what an error kept a failed write from removing
      for (const char* folder : {"pool", "state/volumes", "state/snapshots", "state/groups"}) {
        EXPECT_TRUE(std::filesystem::is_empty(Path(folder))) << folder;
      }
    }
    InjectedTest::TearDown();
  }

  std::string Fresh(const Kind& kind) {
    return id_ = Created("pvc-" + std::to_string(++count_), kind);
  }
  // A volume in use that holds something.
  void UseWritten(const Kind& kind) {
    Fresh(kind);
    Use(id_, kind, "t");
    WriteData(kind, "t", "kept");
  }
  void LeaveAndDelete(const Kind& kind) {
    EXPECT_EQ(ReadData(kind, "t", 4), "kept");
    Leave(id_, "t");
    CheckFileSystem();
    EXPECT_EQ(Delete(id_), grpc::OK) << DriverTest::message();
  }
  void CheckFileSystem() {
    EXPECT_EQ(std::system(("e2fsck -fn " + ImageOf(id_).native() + " >/dev/null 2>&1").c_str()), 0);
  }

  std::string id_;
  std::string copy_;
  int count_ = 0;
};

TEST_P(Injected, CreateAndDelete) {
  Try(GetParam(), {.there = [&] { return Create("pvc", kExt4, id_); },
                   .check = [&] { EXPECT_EQ(List(), std::vector{id_}); },
                   .back = [&] { return Delete(id_); },
                   .finish = [&] { EXPECT_TRUE(List().empty()); }});
}

TEST_P(Injected, FirstStageAndUnstage) {
  Try(GetParam(), {.prepare = [&] { Fresh(kExt4); },
                   .there = [&] { return Stage(id_, kExt4); },
                   .check = [&] { EXPECT_EQ(Loops().size(), 1U); },
                   .back = [&] { return Unstage(id_); },
                   .finish =
                       [&] {
                         EXPECT_TRUE(Loops().empty());
                         CheckFileSystem();
                         EXPECT_EQ(Delete(id_), grpc::OK) << DriverTest::message();
                       }});
}

TEST_P(Injected, BlockStageAndUnstage) {
  Try(GetParam(), {.prepare = [&] { Fresh(kBlock); },
                   .there = [&] { return Stage(id_, kBlock); },
                   .check = [&] { EXPECT_EQ(Loops().size(), 1U); },
                   .back = [&] { return Unstage(id_); },
                   .finish =
                       [&] {
                         EXPECT_TRUE(Loops().empty());
                         EXPECT_EQ(Delete(id_), grpc::OK) << DriverTest::message();
                       }});
}

TEST_P(Injected, PublishAndUnpublish) {
  UseWritten(kExt4);
  Try(GetParam(), {.there = [&] { return Publish(id_, kExt4, "t2"); },
                   .check = [&] { EXPECT_EQ(ReadData(kExt4, "t2", 4), "kept"); },
                   .back = [&] { return Unpublish(id_, "t2"); },
                   .finish = [&] { EXPECT_FALSE(std::filesystem::exists(Path("t2"))); }});
  LeaveAndDelete(kExt4);
}

TEST_P(Injected, ExpandAndNodeExpand) {
  Try(GetParam(), {.prepare = [&] { Fresh(kBlock), Use(id_, kBlock, "t"); },
                   .there = [&] { return Expand(id_, 2 * kBlock.bytes); },
                   .back = [&] { return NodeExpand(id_, Path("t")); },
                   .finish =
                       [&] {
                         ::csi::v1::NodeGetVolumeStatsResponse stats;
                         EXPECT_EQ(Stats(id_, Path("t"), stats), grpc::OK);
                         EXPECT_EQ(stats.usage(0).total(), 2 * kBlock.bytes);
                         Leave(id_, "t");
                         EXPECT_EQ(Delete(id_), grpc::OK) << DriverTest::message();
                       }});
}

// The volume is in use: it is frozen for the cut, and must not stay so.
TEST_P(Injected, SnapshotAndItsDeletion) {
  UseWritten(kExt4);
  Try(GetParam(), {.there = [&] { return Snapshot(id_, "snap", copy_); },
                   .check =
                       [&] {
                         WriteData(kExt4, "t", "kept");
                         EXPECT_EQ(ListSnapshots(), std::vector{copy_});
                       },
                   .back = [&] { return DeleteSnapshot(copy_); },
                   .finish = [&] { WriteData(kExt4, "t", "kept"); }});
  LeaveAndDelete(kExt4);
}

TEST_P(Injected, CloneAndItsDeletion) {
  UseWritten(kExt4);
  Try(GetParam(), {.there = [&] { return Copy(CopyRequest(id_, "copy", kExt4), copy_); },
                   .check =
                       [&] {
                         Use(copy_, kExt4, "c");
                         EXPECT_EQ(ReadData(kExt4, "c", 4), "kept");
                         Leave(copy_, "c");
                       },
                   .back = [&] { return Delete(copy_); },
                   .finish = [&] { WriteData(kExt4, "t", "kept"); }});
  LeaveAndDelete(kExt4);
}

TEST_P(Injected, GroupSnapshotAndItsDeletion) {
  UseWritten(kExt4);
  const std::string other = Created("other", kBlock);
  std::string group;
  Try(GetParam(),
      {.there =
           [&] {
             Context context;
             ::csi::v1::CreateVolumeGroupSnapshotRequest request;
             ::csi::v1::CreateVolumeGroupSnapshotResponse response;
             request.set_name("group");
             for (const std::string& id : {id_, other}) request.add_source_volume_ids(id);
             const auto code =
                 groups().CreateVolumeGroupSnapshot(&context, request, &response).error_code();
             if (code == grpc::OK) group = response.group_snapshot().group_snapshot_id();
             return code;
           },
       .check = [&] { EXPECT_EQ(ListSnapshots().size(), 2U); },
       .back =
           [&] {
             Context context;
             ::csi::v1::DeleteVolumeGroupSnapshotRequest request;
             ::csi::v1::DeleteVolumeGroupSnapshotResponse response;
             request.set_group_snapshot_id(group);
             return groups().DeleteVolumeGroupSnapshot(&context, request, &response).error_code();
           },
       .finish =
           [&] {
             EXPECT_TRUE(ListSnapshots().empty());
             WriteData(kExt4, "t", "kept");
           }});
  EXPECT_EQ(Delete(other), grpc::OK);
  LeaveAndDelete(kExt4);
}

INSTANTIATE_TEST_SUITE_P(Kill, Injected, ::testing::Values("signal=KILL"),
                         [](const auto& /*row*/) { return "Minus9"; });
INSTANTIATE_TEST_SUITE_P(Error, Injected,
                         ::testing::Values("error=EIO", "error=ENOSPC", "error=ENOMEM",
                                           "error=EINTR", "error=EBUSY"),
                         [](const auto& row) { return std::string(row.param).substr(6); });

}  // namespace
}  // namespace trivet::csi
