// Content that fio wrote and checks, over snapshots, copies, groups and growth, while fio writes.

#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

// A job of a fixed size in the file `name` of a folder; each block carries its own checksum. It
// takes seconds, and is given up after minutes.
AssertionResult RunFio(const std::string& folder, const std::string& name,
                       const std::string& arguments) {
  constexpr int kLimitSeconds = 300;
  constexpr int kGivenUp = 124;  // timeout(1)
  const int status =
      std::system(("timeout --kill-after=10 " + std::to_string(kLimitSeconds) +
                   " fio --name=" + name + " --directory=" + folder +
                   " --rw=randwrite --bs=4k --size=16m --direct=1 --ioengine=psync --verify=crc32c "
                   "--verify_fatal=1 --verify_state_save=0 --end_fsync=1 --output=/dev/null " +
                   arguments)
                      .c_str());
  if (status == 0) return AssertionSuccess();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kGivenUp) {
    return AssertionFailure() << "fio in " << folder << " was not done after " << kLimitSeconds
                              << " s";
  }
  return AssertionFailure() << "fio in " << folder << " ended with status " << status;
}

// Writes for some seconds, then reads it all and checks it.
class Writer {
 public:
  explicit Writer(const std::string& folder)
      : thread_([this, folder] {
          passed_ = RunFio(folder, "load", "--rate_iops=1000");
          ended_ = true;
        }) {
    while (!ended_ && !std::filesystem::exists(folder + "/load.0.0")) std::this_thread::yield();
  }
  ~Writer() {
    thread_.join();
    EXPECT_TRUE(passed_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  AssertionResult passed_ = AssertionFailure();  // read once the thread has ended
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

class UnderLoad : public CopyTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    UseXfsPool(int64_t{4} << 30);
  }
  void WriteKept(const std::string& target) {
    ASSERT_TRUE(RunFio(Path(target), "kept", "--do_verify=0")) << target;
  }
  void CheckKept(const std::string& id, const std::string& target) {
    Use(id, GetParam(), target);
    EXPECT_TRUE(RunFio(Path(target), "kept", "--verify_only=1")) << target;
    Leave(id, target);
    const bool is_ext4 = GetParam().name == std::string("ext4");
    const std::string check = is_ext4 ? "e2fsck -fn " : "xfs_repair -n -f ";
    const std::string image = Path("pool/" + id + ".img");
    EXPECT_EQ(std::system((check + image + " >/dev/null 2>&1").c_str()), 0) << target;
  }
  std::vector<std::string> CutGroup(const std::vector<std::string>& volumes) {
    Context context;
    ::csi::v1::CreateVolumeGroupSnapshotRequest request;
    ::csi::v1::CreateVolumeGroupSnapshotResponse response;
    request.set_name("group");
    for (const std::string& id : volumes) request.add_source_volume_ids(id);
    const auto status = groups().CreateVolumeGroupSnapshot(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> ids;
    for (const auto& one : response.group_snapshot().snapshots()) ids.push_back(one.snapshot_id());
    return ids;
  }
};

TEST_P(UnderLoad, EveryCopyHasWhatWasWrittenAndSoHasTheSource) {
  const std::string first = Created("first", GetParam());
  const std::string second = Created("second", GetParam());
  Use(first, GetParam(), "t1");
  Use(second, GetParam(), "t2");
  WriteKept("t1");
  WriteKept("t2");
  std::vector<std::string> copies;
  {
    const Writer one(Path("t1"));
    const Writer two(Path("t2"));
    for (const std::string& member : CutGroup({first, second})) {
      copies.push_back(Copied(member, "of " + member, GetParam()));
    }
    copies.push_back(Copied(first, "clone", GetParam()));
    copies.push_back(Copied(Cut(second, "snapshot"), "restored", GetParam()));
    EXPECT_EQ(Expand(first, GetParam().bytes + 64 * kMiB), grpc::OK) << DriverTest::message();
    for (const std::string& copy : copies) CheckKept(copy, "c");
  }
  Leave(first, "t1");
  Leave(second, "t2");
  CheckKept(first, "t1");  // it grows when it is staged again
  CheckKept(second, "t2");
  EXPECT_EQ(copies.size(), 4U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, UnderLoad, ::testing::Values(kExt4, kXfs),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace trivet::csi
