#include "tests/integration/csi/driver_test.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "csi/filesystem/mount_table.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {

using testing::IsOk;

::csi::v1::VolumeCapability CapabilityOf(const Kind& kind, Mode mode) {
  ::csi::v1::VolumeCapability capability;
  if (kind.is_block()) {
    capability.mutable_block();
  } else {
    capability.mutable_mount()->set_fs_type(kind.name);
  }
  capability.mutable_access_mode()->set_mode(mode);
  return capability;
}

void DriverTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  Start();
}

namespace {

void Detach(const std::string& loop) {
  const UniqueFd fd(::open(("/dev/" + loop).c_str(), O_RDONLY | O_CLOEXEC));
  ::ioctl(fd.get(), LOOP_CLR_FD);
}

}  // namespace

// What a test leaves staged on purpose is its own to unstage: anything that is
// left is a leak, and is removed so that it does not outlive the test.
void DriverTest::TearDown() {
  if (driver_.pid != 0) Kill();
  const auto table = MountTable::Read();
  ASSERT_THAT(table, IsOk());
  for (auto entry = table->entries().rbegin(); entry != table->entries().rend(); ++entry) {
    if (!entry->target.native().starts_with(folder_.path().native())) continue;
    if (has_xfs_pool_ && entry->target == Path("pool")) continue;
    ADD_FAILURE() << entry->target << " is left mounted";
    ::umount2(entry->target.c_str(), MNT_DETACH);
  }
  for (const std::string& loop : Loops()) {
    ADD_FAILURE() << loop << " is left bound";
    Detach(loop);
  }
  if (has_xfs_pool_) {
    EXPECT_EQ(::umount(Path("pool").c_str()), 0) << std::strerror(errno);
  }
  if (HasFailure()) std::puts(ReadFile(folder_ / "log").value_or("").c_str());
}

void DriverTest::Start(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) arguments_ = arguments;
  const UniqueFd log(
      ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  Command command{
      .program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-csi",
      .args = {"--socket", Path("run/csi.sock"), "--state-dir", Path("state"), "--node-id",
               "node-1", "--io-cgroup", IoGroup(), "--config", Path("csi.json")}};
  if (!std::filesystem::exists(Path("csi.json"))) command.args.resize(command.args.size() - 2);
  command.args.insert(command.args.end(), arguments_.begin(), arguments_.end());
  auto child = StartCommand(command, {{1, log.get()}, {2, log.get()}});
  ASSERT_THAT(child, IsOk());
  driver_ = std::move(*child);
  Connect();
}

std::string DriverTest::IoGroup() {
  return "/trivet-test/csi-" + std::to_string(::getpid());
}

void DriverTest::UseXfsPool(int64_t bytes) {
  Kill();
  const std::string image = Path("pool.xfs");
  std::ofstream(image).flush();
  std::filesystem::resize_file(image, static_cast<uintmax_t>(bytes));
  std::filesystem::create_directory(Path("pool"));
  const std::string make = "mkfs.xfs -q -m reflink=1 " + image + " && mount -o loop " + image + " ";
  ASSERT_EQ(std::system((make + Path("pool")).c_str()), 0);
  has_xfs_pool_ = true;
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "xfs", "type": "file", "path": ")"
                                  << Path("pool") << "\"}]}";
  Start();
}

void DriverTest::Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel("unix:" + Path("run/csi.sock"),
                                                 grpc::InsecureChannelCredentials(), arguments);
  identity_ = ::csi::v1::Identity::NewStub(channel);
  controller_ = ::csi::v1::Controller::NewStub(channel);
  node_ = ::csi::v1::Node::NewStub(channel);
  groups_ = ::csi::v1::GroupController::NewStub(channel);
  metadata_ = ::csi::v1::SnapshotMetadata::NewStub(channel);
  Context context;
  ::csi::v1::ProbeResponse response;
  const auto status = identity_->Probe(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
}

void DriverTest::Stop() {
  ASSERT_THAT(SendSignal(driver_.pidfd, SIGTERM), IsOk());
  EXPECT_EQ(Reap(driver_.pidfd).value_or(-1), 0);
  driver_ = {};
}

void DriverTest::Kill() {
  ASSERT_THAT(SendSignal(driver_.pidfd, SIGKILL), IsOk());
  ASSERT_THAT(Reap(driver_.pidfd), IsOk());
  driver_ = {};
}

// A thread that was killed takes a moment to take the others with it.
bool DriverTest::ReapIfEnded(std::chrono::milliseconds within) {
  const auto ended = Reap(driver_.pidfd, within);
  if (!ended || !ended->has_value()) return false;
  driver_ = {};
  return true;
}

grpc::StatusCode DriverTest::Note(const grpc::Status& status) {
  message_ = status.error_message();
  return status.error_code();
}

grpc::StatusCode DriverTest::Call(const ::csi::v1::CreateVolumeRequest& request,
                                  ::csi::v1::CreateVolumeResponse& response) {
  Context context;
  return Note(controller_->CreateVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Create(const std::string& name, const Kind& kind, std::string& id) {
  ::csi::v1::CreateVolumeRequest request;
  ::csi::v1::CreateVolumeResponse response;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(kind.bytes);
  *request.add_volume_capabilities() = CapabilityOf(kind);
  const auto code = Call(request, response);
  id = response.volume().volume_id();
  return code;
}

std::string DriverTest::Created(const std::string& name, const Kind& kind) {
  std::string id;
  EXPECT_EQ(Create(name, kind, id), grpc::OK) << message_;
  return id;
}

grpc::StatusCode DriverTest::Delete(const std::string& id) {
  Context context;
  ::csi::v1::DeleteVolumeRequest request;
  ::csi::v1::DeleteVolumeResponse response;
  request.set_volume_id(id);
  return Note(controller_->DeleteVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Stage(const std::string& id, const Kind& kind) {
  Context context;
  ::csi::v1::NodeStageVolumeRequest request;
  ::csi::v1::NodeStageVolumeResponse response;
  request.set_volume_id(id);
  request.set_staging_target_path(StagingPath(id));
  *request.mutable_volume_capability() = CapabilityOf(kind);
  return Note(node_->NodeStageVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Unstage(const std::string& id) {
  Context context;
  ::csi::v1::NodeUnstageVolumeRequest request;
  ::csi::v1::NodeUnstageVolumeResponse response;
  request.set_volume_id(id);
  request.set_staging_target_path(StagingPath(id));
  return Note(node_->NodeUnstageVolume(&context, request, &response));
}

::csi::v1::NodePublishVolumeRequest DriverTest::PublishRequest(const std::string& id,
                                                               const Kind& kind,
                                                               const std::string& target) {
  ::csi::v1::NodePublishVolumeRequest request;
  request.set_volume_id(id);
  request.set_staging_target_path(StagingPath(id));
  request.set_target_path(Path(target));
  *request.mutable_volume_capability() = CapabilityOf(kind);
  return request;
}

grpc::StatusCode DriverTest::Call(const ::csi::v1::NodePublishVolumeRequest& request) {
  Context context;
  ::csi::v1::NodePublishVolumeResponse response;
  return Note(node_->NodePublishVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Publish(const std::string& id, const Kind& kind,
                                     const std::string& target, bool read_only) {
  auto request = PublishRequest(id, kind, target);
  request.set_readonly(read_only);
  return Call(request);
}

grpc::StatusCode DriverTest::Unpublish(const std::string& id, const std::string& target) {
  Context context;
  ::csi::v1::NodeUnpublishVolumeRequest request;
  ::csi::v1::NodeUnpublishVolumeResponse response;
  request.set_volume_id(id);
  request.set_target_path(Path(target));
  return Note(node_->NodeUnpublishVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Expand(const std::string& id, int64_t bytes) {
  Context context;
  ::csi::v1::ControllerExpandVolumeRequest request;
  ::csi::v1::ControllerExpandVolumeResponse response;
  request.set_volume_id(id);
  request.mutable_capacity_range()->set_required_bytes(bytes);
  const auto status = controller_->ControllerExpandVolume(&context, request, &response);
  if (status.ok()) {
    EXPECT_EQ(response.capacity_bytes(), bytes);
  }
  return Note(status);
}

grpc::StatusCode DriverTest::NodeExpand(const std::string& id, const std::string& path) {
  Context context;
  ::csi::v1::NodeExpandVolumeRequest request;
  ::csi::v1::NodeExpandVolumeResponse response;
  request.set_volume_id(id);
  request.set_volume_path(path);
  return Note(node_->NodeExpandVolume(&context, request, &response));
}

grpc::StatusCode DriverTest::Stats(const std::string& id, const std::string& path,
                                   ::csi::v1::NodeGetVolumeStatsResponse& response) {
  Context context;
  ::csi::v1::NodeGetVolumeStatsRequest request;
  request.set_volume_id(id);
  request.set_volume_path(path);
  return Note(node_->NodeGetVolumeStats(&context, request, &response));
}

std::vector<std::string> DriverTest::List() {
  Context context;
  ::csi::v1::ListVolumesResponse response;
  EXPECT_TRUE(controller_->ListVolumes(&context, {}, &response).ok());
  std::vector<std::string> ids;
  for (const auto& entry : response.entries()) ids.push_back(entry.volume().volume_id());
  return ids;
}

int64_t DriverTest::Capacity() {
  Context context;
  ::csi::v1::GetCapacityResponse response;
  EXPECT_TRUE(controller_->GetCapacity(&context, {}, &response).ok());
  return response.available_capacity();
}

std::string DriverTest::StagingPath(const std::string& id) {
  const std::string path = Path("stage/" + id);
  std::filesystem::create_directories(path);
  return path;
}

std::filesystem::path DriverTest::RecordOf(const std::string& id) const {
  return Path("state/volumes/" + id + ".json");
}

std::filesystem::path DriverTest::ImageOf(const std::string& id) const {
  return Path((has_xfs_pool_ ? "pool/" : "state/pools/default/") + id + ".img");
}

std::vector<std::string> DriverTest::Loops() const {
  std::vector<std::string> loops;
  for (const std::string& name : ListDirectory("/sys/block").value_or(std::vector<std::string>())) {
    const auto backing = ReadFile("/sys/block/" + name + "/loop/backing_file");
    if (!backing || !backing->starts_with(folder_.path().native())) continue;
    if (*backing != Path("pool.xfs\n")) loops.push_back(name);
  }
  return loops;
}

bool DriverTest::IsMounted(const std::string& path) const {
  const auto table = MountTable::Read();
  return table && table->At(path) != nullptr;
}

namespace {

std::string FileIn(const Kind& kind, const std::string& target) {
  return kind.is_block() ? target : target + "/data";
}

}  // namespace

void DriverTest::WriteData(const Kind& kind, const std::string& target, const std::string& data) {
  const std::string file = FileIn(kind, Path(target));
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd.valid()) << file << ": " << std::strerror(errno);
  ASSERT_THAT(WriteAll(fd.get(), data, file), IsOk());
  ASSERT_EQ(::fsync(fd.get()), 0);
}

std::string DriverTest::ReadData(const Kind& kind, const std::string& target, size_t size) {
  const UniqueFd fd(::open(FileIn(kind, Path(target)).c_str(), O_RDONLY | O_CLOEXEC));
  std::string data(size, '\0');
  const ssize_t n = ::read(fd.get(), data.data(), size);
  data.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
  return data;
}

}  // namespace trivet::csi
