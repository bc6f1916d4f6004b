// Group snapshots: one moment for all, all or nothing, refusals, crashes.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

using ::csi::v1::VolumeGroupSnapshot;

class GroupSnapshots : public CopyTest {
 protected:
  grpc::StatusCode CutGroup(const std::string& name, const std::vector<std::string>& volumes,
                            VolumeGroupSnapshot& out) {
    Context context;
    ::csi::v1::CreateVolumeGroupSnapshotRequest request;
    ::csi::v1::CreateVolumeGroupSnapshotResponse response;
    request.set_name(name);
    for (const std::string& id : volumes) request.add_source_volume_ids(id);
    const auto status = groups().CreateVolumeGroupSnapshot(&context, request, &response);
    out = response.group_snapshot();
    return Said(status);
  }
  VolumeGroupSnapshot Cut(const std::string& name, const std::vector<std::string>& volumes) {
    VolumeGroupSnapshot group;
    EXPECT_EQ(CutGroup(name, volumes, group), grpc::OK) << said_;
    return group;
  }
  grpc::StatusCode DeleteGroup(const std::string& id, const std::vector<std::string>& members) {
    Context context;
    ::csi::v1::DeleteVolumeGroupSnapshotRequest request;
    ::csi::v1::DeleteVolumeGroupSnapshotResponse response;
    request.set_group_snapshot_id(id);
    for (const std::string& member : members) request.add_snapshot_ids(member);
    return Said(groups().DeleteVolumeGroupSnapshot(&context, request, &response));
  }
  grpc::StatusCode GetGroup(const std::string& id, const std::vector<std::string>& members,
                            VolumeGroupSnapshot& out) {
    Context context;
    ::csi::v1::GetVolumeGroupSnapshotRequest request;
    ::csi::v1::GetVolumeGroupSnapshotResponse response;
    request.set_group_snapshot_id(id);
    for (const std::string& member : members) request.add_snapshot_ids(member);
    const auto status = groups().GetVolumeGroupSnapshot(&context, request, &response);
    out = response.group_snapshot();
    return Said(status);
  }
  static std::vector<std::string> MembersOf(const VolumeGroupSnapshot& group) {
    std::vector<std::string> ids;
    for (const auto& member : group.snapshots()) ids.push_back(member.snapshot_id());
    return ids;
  }
  static std::string MemberOf(const VolumeGroupSnapshot& group, const std::string& volume) {
    for (const auto& member : group.snapshots()) {
      if (member.source_volume_id() == volume) return member.snapshot_id();
    }
    return "";
  }
  void Rewrite(const std::filesystem::path& record, const std::string& from,
               const std::string& to) {
    std::string text = ReadFile(record).value_or("");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    std::ofstream(record) << text.replace(at, from.size(), to);
  }

  std::string said_;

 private:
  grpc::StatusCode Said(const grpc::Status& status) {
    said_ = status.error_message();
    return status.error_code();
  }
};

// Writes a counter to one file, then to the other, each synced: whenever both stand still, the
// first is the second or one ahead of it.
class OrderedWriter {
 public:
  OrderedWriter(const std::string& first, const std::string& second)
      : files_{Open(first), Open(second)}, thread_([this] { Run(); }) {
    while (count_ < 20) std::this_thread::yield();
  }
  ~OrderedWriter() {
    stop_ = true;
    thread_.join();
  }

 private:
  static UniqueFd Open(const std::string& file) {
    return UniqueFd(::open(file.c_str(), O_WRONLY | O_CREAT | O_DSYNC | O_CLOEXEC, 0600));
  }
  void Run() {
    for (uint64_t value = 1; !stop_; ++value) {
      for (const UniqueFd& file : files_) {
        ASSERT_EQ(::pwrite(file.get(), &value, sizeof(value), 0), ssize_t{sizeof(value)});
      }
      count_ = value;
    }
  }

  std::array<UniqueFd, 2> files_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> count_ = 0;
  std::thread thread_;
};

uint64_t CounterIn(const std::string& data) {
  uint64_t value = 0;
  data.copy(reinterpret_cast<char*>(&value), sizeof(value));
  return value;
}

TEST_F(GroupSnapshots, HoldOneMomentOfVolumesThatAreWritten) {
  const std::string first = Created("first", kExt4);
  const std::string second = Created("second", kExt4);
  Use(first, kExt4, "t1");
  Use(second, kExt4, "t2");
  VolumeGroupSnapshot group;
  {
    const OrderedWriter writer(Path("t1/data"), Path("t2/data"));
    group = Cut("group", {first, second});
  }
  const std::string copy1 = Copied(MemberOf(group, first), "copy1", kExt4);
  const std::string copy2 = Copied(MemberOf(group, second), "copy2", kExt4);
  Use(copy1, kExt4, "c1");
  Use(copy2, kExt4, "c2");
  const uint64_t ahead = CounterIn(ReadData(kExt4, "c1", 8));
  const uint64_t behind = CounterIn(ReadData(kExt4, "c2", 8));

  EXPECT_GE(behind, 19U);
  EXPECT_THAT(ahead - behind, ::testing::AnyOf(0U, 1U)) << ahead << " and " << behind;
  for (const auto& [id, target] : {std::pair{first, "t1"}, std::pair{second, "t2"},
                                   std::pair{copy1, "c1"}, std::pair{copy2, "c2"}}) {
    Leave(id, target);
  }
}

TEST_F(GroupSnapshots, AnswerAgainWithTheSame) {
  const std::string one = Created("one", kBlock);
  const std::string two = Created("two", kExt4);
  const VolumeGroupSnapshot group = Cut("group", {one, two});
  EXPECT_TRUE(group.ready_to_use());
  EXPECT_EQ(group.snapshots_size(), 2);
  EXPECT_EQ(group.snapshots(0).group_snapshot_id(), group.group_snapshot_id());
  Restart();

  EXPECT_EQ(Cut("group", {two, one, two}).SerializeAsString(), group.SerializeAsString());
  VolumeGroupSnapshot got;
  EXPECT_EQ(GetGroup(group.group_snapshot_id(), MembersOf(group), got), grpc::OK) << said_;
  EXPECT_EQ(got.SerializeAsString(), group.SerializeAsString());
  EXPECT_EQ(ListSnapshots().size(), 2U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(DeleteGroup(group.group_snapshot_id(),
                          i == 0 ? MembersOf(group) : std::vector<std::string>()),
              grpc::OK)
        << said_;
  }
  EXPECT_TRUE(ListSnapshots().empty());
  EXPECT_EQ(GetGroup(group.group_snapshot_id(), {}, got), grpc::NOT_FOUND);
}

TEST_F(GroupSnapshots, RefuseWhatTheyCannotAnswer) {
  const std::string one = Created("one", kBlock);
  const std::string two = Created("two", kBlock);
  const VolumeGroupSnapshot group = Cut("group", {one});
  const std::string id = group.group_snapshot_id();
  VolumeGroupSnapshot other;

  EXPECT_EQ(CutGroup("group", {two}, other), grpc::ALREADY_EXISTS);
  EXPECT_EQ(CutGroup("new", {one, "unknown"}, other), grpc::NOT_FOUND);
  EXPECT_EQ(CutGroup("new", {}, other), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(DeleteGroup(id, {"s-other"}), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(GetGroup(id, {"s-other"}, other), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(DeleteSnapshot(MembersOf(group)[0]), grpc::INVALID_ARGUMENT);
  EXPECT_NE(message().find(id), std::string::npos) << message();
  EXPECT_EQ(ListSnapshots().size(), 1U);
}

TEST_F(GroupSnapshots, AreAllOrNothingWhenThePoolIsTooSmall) {
  const Kind half{"block", int64_t{600} << 20};  // of the pool's 2 GiB
  const std::string one = Created("one", half);
  const std::string two = Created("two", half);
  const int64_t capacity = Capacity();
  VolumeGroupSnapshot group;

  EXPECT_EQ(CutGroup("group", {one, two}, group), grpc::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(ListSnapshots().empty());
  EXPECT_EQ(Capacity(), capacity);
  EXPECT_TRUE(std::filesystem::is_empty(Path("state/groups")));
}

TEST_F(GroupSnapshots, AreFinishedOrUndoneAtStart) {
  const std::string one = Created("one", kBlock);
  const VolumeGroupSnapshot done = Cut("done", {one});
  const VolumeGroupSnapshot half = Cut("half", {one});
  Kill();
  for (const auto& group : {done, half}) {
    Rewrite(Path("state/snapshots/" + MembersOf(group)[0] + ".json"), "\"cut\": true",
            "\"cut\": false");
  }
  Rewrite(Path("state/groups/" + half.group_snapshot_id() + ".json"), "\"cut\": true",
          "\"cut\": false");
  Start();

  EXPECT_EQ(ListSnapshots(), MembersOf(done));
  EXPECT_FALSE(std::filesystem::exists(ImageOf(MembersOf(half)[0])));
  EXPECT_FALSE(std::filesystem::exists(Path("state/groups/" + half.group_snapshot_id() + ".json")));
}

}  // namespace
}  // namespace trivet::csi
