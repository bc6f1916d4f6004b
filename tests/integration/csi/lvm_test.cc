// Pools of LVM, with a program that does what lvm does where there is no device-mapper.

#include "tests/integration/csi/lvm_test.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kGroupBytes = 1024 * kMiB;
constexpr int64_t kThinPoolBytes = 512 * kMiB;

void LvmTest::SetUp() {
  DriverTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  Kill();
  std::filesystem::create_directories("/dev/mapper");
  ASSERT_EQ(::mount("tmpfs", "/dev/mapper", "tmpfs", 0, nullptr), 0);
  std::filesystem::create_directory(Path("vg"));
  std::ofstream(Path("vg/group.json"))
      << R"({"size": )" << kGroupBytes << R"(, "extent": 4194304, "pools": {"tp": )"
      << kThinPoolBytes << "}}";
  const std::string source = std::getenv("TRIVET_SOURCE_DIR");
  std::ofstream(Path("lvm")) << "#!/bin/sh\nexec python3 " << source
                             << "/tests/integration/csi/fake_lvm.py " << Path("vg") << " \"$@\"\n";
  std::filesystem::permissions(Path("lvm"), std::filesystem::perms::owner_all);
  std::ofstream(Path("csi.json"))
      << R"({"pools": [{"name": "thin", "type": "lvm", "volumeGroup": "vg", "thinPool": "tp", )"
      << R"("program": ")" << Path("lvm") << R"("}, )"
      << R"({"name": "thick", "type": "lvm", "volumeGroup": "vg", "program": ")" << Path("lvm")
      << "\"}]}";
  Start();
}

::csi::v1::CreateVolumeRequest LvmTest::RequestIn(const std::string& pool, const std::string& name,
                                                  const Kind& kind) {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(kind.bytes);
  *request.add_volume_capabilities() = CapabilityOf(kind);
  (*request.mutable_parameters())["pool"] = pool;
  return request;
}

std::string LvmTest::CreatedIn(const std::string& pool, const std::string& name, const Kind& kind) {
  ::csi::v1::CreateVolumeResponse response;
  EXPECT_EQ(Call(RequestIn(pool, name, kind), response), grpc::OK) << DriverTest::message();
  return response.volume().volume_id();
}

int64_t LvmTest::CapacityOf(const std::string& pool) {
  Context context;
  ::csi::v1::GetCapacityRequest request;
  ::csi::v1::GetCapacityResponse response;
  (*request.mutable_parameters())["pool"] = pool;
  EXPECT_TRUE(controller().GetCapacity(&context, request, &response).ok());
  return response.available_capacity();
}

std::vector<std::string> LvmTest::LogicalVolumes() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Path("vg"))) {
    if (entry.path().extension() == ".lv") names.push_back(entry.path().stem());
  }
  return names;
}

std::string LvmTest::Log() const {
  return ReadFile(Path("vg/log")).value_or("");
}

void LvmTest::FailNext(const std::string& command, const std::string& said) {
  std::ofstream(Path("vg/fail")) << command << ' ' << said;
}

namespace {

struct Case {
  const char* pool;
  Kind kind;
};

class LvmVolumes : public LvmTest, public ::testing::WithParamInterface<Case> {};

TEST_P(LvmVolumes, KeepTheirDataAndLeaveNothing) {
  const auto& [pool, kind] = GetParam();
  const std::string id = CreatedIn(pool, "pvc-1", kind);
  EXPECT_EQ(CreatedIn(pool, "pvc-1", kind), id);
  EXPECT_TRUE(Loops().empty()) << "it is active before it is staged";
  for (const std::string data : {"first", "again"}) {
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Stage(id, kind), grpc::OK) << DriverTest::message();
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Publish(id, kind), grpc::OK) << DriverTest::message();
    if (data == "again") {
      EXPECT_EQ(ReadData(kind, "t", 5), "first");
    }
    WriteData(kind, "t", data);
    EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Unpublish(id), grpc::OK) << DriverTest::message();
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
    EXPECT_TRUE(Loops().empty()) << "it is active after it was unstaged";
  }
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Delete(id), grpc::OK) << DriverTest::message();
  EXPECT_TRUE(LogicalVolumes().empty());
  EXPECT_FALSE(std::filesystem::exists(RecordOf(id)));
  EXPECT_THAT(Log(), Not(HasSubstr("left with data")));
}

TEST_P(LvmVolumes, AreServedByTheNextProcess) {
  const auto& [pool, kind] = GetParam();
  const std::string id = CreatedIn(pool, "pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << DriverTest::message();
  Restart();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << DriverTest::message();
  WriteData(kind, "t", "kept");
  Restart();
  EXPECT_EQ(ReadData(kind, "t", 4), "kept");
  ASSERT_EQ(Unpublish(id), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
  Restart();
  EXPECT_EQ(Delete(id), grpc::OK) << DriverTest::message();
}

TEST_P(LvmVolumes, GrowWhileTheyAreUsed) {
  const auto& [pool, kind] = GetParam();
  if (std::string(kind.name) == "ext4") return;  // needs CAP_SYS_RESOURCE while it is mounted
  const std::string id = CreatedIn(pool, "pvc-1", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << DriverTest::message();
  ::csi::v1::NodeGetVolumeStatsResponse smaller;
  ASSERT_EQ(Stats(id, Path("t"), smaller), grpc::OK) << DriverTest::message();
  const int64_t before = CapacityOf(pool);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Expand(id, kind.bytes + 16 * kMiB), grpc::OK);
  EXPECT_EQ(CapacityOf(pool), before - 16 * kMiB);
  EXPECT_EQ(NodeExpand(id, Path("t")), grpc::OK) << DriverTest::message();
  ::csi::v1::NodeGetVolumeStatsResponse stats;
  ASSERT_EQ(Stats(id, Path("t"), stats), grpc::OK) << DriverTest::message();
  EXPECT_EQ(stats.usage(0).total(), smaller.usage(0).total() + 16 * kMiB);
  EXPECT_EQ(Unpublish(id), grpc::OK);
  EXPECT_EQ(Unstage(id), grpc::OK);
  EXPECT_EQ(Delete(id), grpc::OK);
}

INSTANTIATE_TEST_SUITE_P(Pools, LvmVolumes,
                         ::testing::Values(Case{"thin", kExt4}, Case{"thin", kXfs},
                                           Case{"thin", kBlock}, Case{"thick", kExt4},
                                           Case{"thick", kXfs}, Case{"thick", kBlock}),
                         [](const auto& row) {
                           return std::string(row.param.pool) + "_" + row.param.kind.name;
                         });

class LvmPools : public LvmTest {};

TEST_F(LvmPools, AskLvmNothingWhenAVolumeIsPublished) {
  const std::string id = CreatedIn("thick", "pvc-1", kExt4);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << DriverTest::message();
  const std::string before = Log();
  ASSERT_EQ(Publish(id, kExt4), grpc::OK) << DriverTest::message();
  ::csi::v1::NodeGetVolumeStatsResponse stats;
  EXPECT_EQ(Stats(id, Path("t"), stats), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Unpublish(id), grpc::OK) << DriverTest::message();
  EXPECT_EQ(Log(), before);
  ASSERT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
}

TEST_F(LvmPools, GiveWhatTheGroupAndTheThinPoolHave) {
  const int64_t thin = CapacityOf("thin");
  EXPECT_LT(thin, kThinPoolBytes);
  EXPECT_GT(thin, kThinPoolBytes / 100 * 98);
  EXPECT_EQ(CapacityOf("thick"), kGroupBytes - kThinPoolBytes);
  EXPECT_EQ(CapacityOf("other"), 0) << "another node's pool";

  Kind odd = kBlock;
  odd.bytes = 5 * kMiB;
  ::csi::v1::CreateVolumeResponse response;
  ASSERT_EQ(Call(RequestIn("thick", "odd", odd), response), grpc::OK) << DriverTest::message();
  EXPECT_EQ(response.volume().capacity_bytes(), 8 * kMiB) << "whole extents";
  EXPECT_EQ(CapacityOf("thick"), kGroupBytes - kThinPoolBytes - 8 * kMiB);
  CreatedIn("thin", "odd thin", odd);
  EXPECT_EQ(CapacityOf("thin"), thin - 8 * kMiB);
  Restart();
  EXPECT_EQ(CapacityOf("thin"), thin - 8 * kMiB);
}

TEST_F(LvmPools, PromiseMoreThanThereIsOnlyAsFarAsTheRatioAllows) {
  const std::string config = ReadFile(Path("csi.json")).value_or("");
  const std::string at = R"("thinPool": "tp", )";
  std::ofstream(Path("csi.json")) << std::string(config).insert(config.find(at),
                                                                R"("overcommitRatio": 1.5, )");
  Restart();
  const int64_t one = CapacityOf("thin");
  EXPECT_LT(one, kThinPoolBytes) << "one volume is never larger than the pool";
  EXPECT_GT(one, kThinPoolBytes / 100 * 98);
  const Kind large{"block", 500 * kMiB};
  CreatedIn("thin", "first", large);
  const int64_t left = CapacityOf("thin");
  EXPECT_LT(left, kThinPoolBytes / 2 + 12 * kMiB);
  EXPECT_GT(left, kThinPoolBytes / 2);
  ::csi::v1::CreateVolumeResponse response;
  EXPECT_EQ(Call(RequestIn("thin", "too much", large), response), grpc::RESOURCE_EXHAUSTED);
  CreatedIn("thin", "second", Kind{"block", 240 * kMiB});
}

TEST_F(LvmPools, RefuseWhatTheyCannotGive) {
  ::csi::v1::CreateVolumeResponse response;
  const Kind large{"block", 600 * kMiB};
  for (const char* pool : {"thin", "thick", "other"}) {
    EXPECT_EQ(Call(RequestIn(pool, "large", large), response), grpc::RESOURCE_EXHAUSTED) << pool;
    EXPECT_THAT(DriverTest::message(), HasSubstr(pool));
  }
  auto request = RequestIn("thick", "wrong", kBlock);
  (*request.mutable_parameters())["provisioning"] = "thin";
  EXPECT_EQ(Call(request, response), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(DriverTest::message(), HasSubstr("volumes of pool thick are thick"));
  FailNext("lvcreate", "Volume group has insufficient free space");
  EXPECT_EQ(Call(RequestIn("thick", "late", kBlock), response), grpc::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(LogicalVolumes().empty());
  EXPECT_TRUE(std::filesystem::is_empty(Path("state/volumes")));
}

TEST_F(LvmPools, FinishAThickVolumeThatWasInterrupted) {
  FailNext("lvchange", "interrupted");
  ::csi::v1::CreateVolumeResponse response;
  // The undo fails as well when lvremove does: what is left is what a kill leaves.
  EXPECT_EQ(Call(RequestIn("thick", "pvc-1", kExt4), response), grpc::INTERNAL);
  EXPECT_TRUE(LogicalVolumes().empty());

  const std::string id = CreatedIn("thick", "pvc-1", kExt4);
  Kill();
  std::string facts = ReadFile(Path("vg/" + id + ".json")).value_or("");
  facts.replace(facts.find("\"trivet\""), 8, R"("trivet", "trivet.new")");
  std::ofstream(Path("vg/" + id + ".json")) << facts;
  std::ofstream(Path("vg/" + id + ".lv"), std::ios::in) << "old secret";
  Start();
  EXPECT_THAT(ReadFile(Path("vg/" + id + ".json")).value_or(""), Not(HasSubstr("trivet.new")));
  EXPECT_EQ(Stage(id, kExt4), grpc::OK) << DriverTest::message();
  EXPECT_EQ(Unstage(id), grpc::OK);
}

TEST_F(LvmPools, NeverGiveOutTheBytesOfALostRecord) {
  const std::string id = CreatedIn("thin", "pvc-1", kExt4);
  Kill();
  std::filesystem::remove(RecordOf(id));
  Start();
  ::csi::v1::CreateVolumeResponse response;
  EXPECT_EQ(Call(RequestIn("thin", "pvc-1", kExt4), response), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(DriverTest::message(), HasSubstr("without a record"));
}

TEST_F(LvmPools, LeaveTheVolumesOfOthersAlone) {
  std::ofstream(Path("vg/data.json")) << R"({"tags": [], "pool": "", "id": 9, "size": 104857600})";
  std::ofstream(Path("vg/data.lv")) << "theirs";
  Restart();
  EXPECT_EQ(CapacityOf("thick"), kGroupBytes - kThinPoolBytes - 100 * kMiB);
  EXPECT_TRUE(List().empty());
  EXPECT_TRUE(std::filesystem::exists(Path("vg/data.lv")));
}

class ThinCopies : public LvmTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(ThinCopies, HoldTheMomentOfTheCut) {
  const Kind& kind = GetParam();
  const std::string source = CreatedIn("thin", "source", kind);
  Use(source, kind, "t");
  WriteData(kind, "t", "before");
  const std::string snapshot = Cut(source, "snap");
  EXPECT_EQ(Cut(source, "snap"), snapshot);
  WriteData(kind, "t", "after!");

  const std::string copy = Copied(snapshot, "copy", kind);
  Use(copy, kind, "t2");
  EXPECT_EQ(ReadData(kind, "t2", 6), "before");
  EXPECT_EQ(ReadData(kind, "t", 6), "after!");
  Leave(source, "t");
  Leave(copy, "t2");
  ASSERT_EQ(Delete(source), grpc::OK) << DriverTest::message();
  const std::string clone = Copied(copy, "clone", kind);
  for (const std::string& id : {copy, clone}) EXPECT_EQ(Delete(id), grpc::OK);
  EXPECT_EQ(DeleteSnapshot(snapshot), grpc::OK) << message();
  EXPECT_TRUE(LogicalVolumes().empty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, ThinCopies, ::testing::Values(kExt4, kBlock),
                         [](const auto& row) { return row.param.name; });

TEST_F(LvmPools, MakeNoSnapshotOfAThickVolume) {
  const std::string id = CreatedIn("thick", "pvc-1", kBlock);
  std::string snapshot;
  EXPECT_EQ(Snapshot(id, "snap", snapshot), grpc::UNIMPLEMENTED);
  EXPECT_THAT(message(), HasSubstr("thick logical volumes cannot share blocks"));
  EXPECT_TRUE(ListSnapshots().empty());
}

TEST_F(LvmPools, ArePartOfTheNodesTopology) {
  Context context;
  ::csi::v1::NodeGetInfoResponse info;
  ASSERT_TRUE(node().NodeGetInfo(&context, {}, &info).ok());
  const auto& segments = info.accessible_topology().segments();
  EXPECT_EQ(segments.at("topology.csi.trivet.dev/pool-thin"), "true");
  EXPECT_EQ(segments.at("topology.csi.trivet.dev/pool-thick"), "true");
  EXPECT_EQ(segments.at("topology.csi.trivet.dev/node"), "node-1");
}

}  // namespace
}  // namespace trivet::csi
