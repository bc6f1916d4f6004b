#include <thread>

#include "common/linux/command.h"
#include "tests/integration/cri/checkpoint_test.h"

namespace trivet::testing {

void CheckpointTestBase::TearDown() {
  std::filesystem::remove(Archive());
  std::filesystem::remove_all(PodFolder());
  CriTest::TearDown();
}

grpc::Status CheckpointTestBase::Save(const std::string& container, int64_t timeout_seconds) {
  v1::CheckpointContainerRequest request;
  request.set_container_id(container);
  request.set_location(Archive());
  request.set_timeout(timeout_seconds);
  v1::CheckpointContainerResponse response;
  grpc::ClientContext context;
  return daemon_->runtime().CheckpointContainer(&context, request, &response);
}

grpc::Status CheckpointTestBase::SavePod(const std::string& pod,
                                         const std::vector<std::string>& containers,
                                         const std::map<std::string, std::string>& options) {
  v1::CheckpointPodRequest request;
  request.set_pod_sandbox_id(pod);
  request.set_output_path(PodFolder());
  for (const std::string& id : containers) request.add_container_ids(id);
  request.mutable_options()->insert(options.begin(), options.end());
  v1::CheckpointPodResponse response;
  grpc::ClientContext context;
  return daemon_->runtime().CheckpointPod(&context, request, &response);
}

std::filesystem::path CheckpointTestBase::Unpack(const std::filesystem::path& archive) {
  const std::filesystem::path folder = unpacked_ / archive.filename();
  std::filesystem::create_directories(folder / "diff");
  const auto untar = [](const std::filesystem::path& file, const std::filesystem::path& into) {
    const auto ran = RunCommand({.program = "/usr/bin/tar", .args = {"xf", file, "-C", into}});
    EXPECT_TRUE(ran && ran->exit_code == 0) << (ran ? ran->err : ran.error().message());
  };
  untar(archive, folder);
  untar(folder / "rootfs-diff.tar", folder / "diff");
  return folder;
}

v1::ContainerConfig CheckpointTestBase::CounterConfig(const std::string& name) const {
  return ShellConfig(
      name, "rm /bin/true; i=0; while true; do i=$((i+1)); echo $i >/count; sleep 0.1; done");
}

void CheckpointTestBase::ExpectRunsOn(const std::string& container) {
  const std::string read = "cat /count 2>/dev/null || echo nothing";
  const std::string before = MustExec(container, read);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (MustExec(container, read) == before) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << container << " stands still";
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace trivet::testing
