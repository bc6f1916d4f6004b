// The life of a volume, for each kind of it, with every call made twice.

#include <sys/stat.h>

#include "common/linux/file.h"
#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {
namespace {

class LifeCycle : public DriverTest, public ::testing::WithParamInterface<Kind> {
 protected:
  // Calls `step` twice: the second answer must be the first one's.
  template <class Step>
  void Twice(Step step) {
    for (int i = 0; i < 2; ++i) ASSERT_EQ(step(), grpc::OK) << message();
  }
};

TEST_P(LifeCycle, KeepsTheDataAndLeavesNothing) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  EXPECT_EQ(Created("pvc-1", kind), id);
  EXPECT_EQ(List(), std::vector{id});

  for (const std::string data : {"first", "again"}) {
    Twice([&] { return Stage(id, kind); });
    Twice([&] { return Publish(id, kind); });
    if (data == "again") {
      EXPECT_EQ(ReadData(kind, "t", 5), "first");
    }
    WriteData(kind, "t", data);
    Twice([&] { return Unpublish(id); });
    EXPECT_FALSE(std::filesystem::exists(Path("t")));
    Twice([&] { return Unstage(id); });
    EXPECT_TRUE(Loops().empty());
  }

  Twice([&] { return Delete(id); });
  EXPECT_TRUE(List().empty());
  EXPECT_FALSE(std::filesystem::exists(RecordOf(id)));
  EXPECT_FALSE(std::filesystem::exists(ImageOf(id)));
}

TEST_P(LifeCycle, GoesOnAfterKillAtEachStep) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  Restart();
  EXPECT_EQ(Created("pvc-1", kind), id);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  Restart();
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  EXPECT_EQ(Loops().size(), 1U);
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  WriteData(kind, "t", "kept");
  Restart();
  EXPECT_EQ(ReadData(kind, "t", 4), "kept");
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  EXPECT_EQ(Publish(id, kind, "t", true),
            kind.is_block() ? grpc::FAILED_PRECONDITION : grpc::ALREADY_EXISTS);
  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  Restart();
  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  Restart();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  ASSERT_EQ(Delete(id), grpc::OK) << message();
  Restart();
  EXPECT_TRUE(List().empty());
}

TEST_P(LifeCycle, PublishesNothingThatIsNotStaged) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);

  EXPECT_EQ(Publish(id, kind), grpc::FAILED_PRECONDITION);

  EXPECT_NE(message().find("volume " + id + ": publish: it is not staged"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(Path("t"))) << "an empty folder would take a pod's data";
}

TEST_P(LifeCycle, RefusesToDeleteWhatIsInUse) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();

  EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);

  EXPECT_TRUE(std::filesystem::exists(ImageOf(id)));
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_P(LifeCycle, RefusesToUnstageWhatIsPublished) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();

  EXPECT_EQ(Unstage(id), grpc::FAILED_PRECONDITION);

  EXPECT_EQ(IsMounted(StagingPath(id)), !kind.is_block());
  WriteData(kind, "t", "still there");
  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_P(LifeCycle, ShowsItsSizeWhereItIsAndNowhereElse) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();

  ::csi::v1::NodeGetVolumeStatsResponse response;
  ASSERT_EQ(Stats(id, Path("t"), response), grpc::OK) << message();
  EXPECT_LE(response.usage(0).total(), kind.bytes);
  EXPECT_GT(response.usage(0).total(), kind.bytes / 2);
  const bool counts_inodes = std::string(kind.name) == "ext4" || std::string(kind.name) == "xfs";
  EXPECT_EQ(response.usage_size(), counts_inodes ? 2 : 1);
  EXPECT_EQ(Stats(id, Path(""), response), grpc::NOT_FOUND);
  EXPECT_EQ(Stats(id, "some/path", response), grpc::NOT_FOUND);
  EXPECT_EQ(Stats("unknown", Path("t"), response), grpc::NOT_FOUND);

  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Stats(id, Path("t"), response), grpc::NOT_FOUND);
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_P(LifeCycle, ReadsAndWritesPastThePageCache) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();

  ASSERT_EQ(Loops().size(), 1U);
  const std::string loop = "/sys/block/" + Loops()[0];
  EXPECT_EQ(ReadFile(loop + "/loop/dio").value_or(""), "1\n");
  EXPECT_EQ(ReadFile(loop + "/loop/autoclear").value_or(""), kind.is_block() ? "0\n" : "1\n");
  EXPECT_EQ(ReadFile(loop + "/queue/logical_block_size").value_or(""), "4096\n");

  ASSERT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_P(LifeCycle, GrowsAndKeepsTheData) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  WriteData(kind, "t", "kept");

  ASSERT_EQ(Expand(id, 2 * kind.bytes), grpc::OK) << message();
  ASSERT_EQ(Expand(id, 2 * kind.bytes), grpc::OK) << message();
  const auto online = NodeExpand(id, Path("t"));
  // ext4 asks for CAP_SYS_RESOURCE, which this machine may not give; then the next stage does it.
  if (std::string(kind.name) != "ext4" || online != grpc::FAILED_PRECONDITION) {
    EXPECT_EQ(online, grpc::OK) << message();
  }
  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();

  ::csi::v1::NodeGetVolumeStatsResponse response;
  ASSERT_EQ(Stats(id, Path("t"), response), grpc::OK) << message();
  EXPECT_GT(response.usage(0).total(), kind.bytes * 3 / 2);
  EXPECT_EQ(ReadData(kind, "t", 4), "kept");
  EXPECT_EQ(NodeExpand(id, Path("t")), grpc::OK) << message();
  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
}

INSTANTIATE_TEST_SUITE_P(Kinds, LifeCycle, ::testing::Values(kExt4, kXfs, kBtrfs, kBlock),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::csi
