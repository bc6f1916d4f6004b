#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;

// Image volumes, CDI devices and runtime handlers.
class CriVolumeTest : public CriTest {
 protected:
  v1::Mount& AddImageVolume(v1::ContainerConfig& config) {
    auto* mount = config.add_mounts();
    mount->set_container_path("/volume");
    mount->mutable_image()->set_image(image_id_);
    mount->set_readonly(true);
    return *mount;
  }
  // A privileged container with it at /data.
  v1::ContainerConfig WithVolume(const std::filesystem::path& volume, v1::MountPropagation way) {
    v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
    config.mutable_linux()->mutable_security_context()->set_privileged(true);
    auto* mount = config.add_mounts();
    mount->set_container_path("/data");
    mount->set_host_path(volume.native());
    mount->set_propagation(way);
    return config;
  }
  static void MountTmpfs(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    ASSERT_EQ(::mount("tmpfs", folder.c_str(), "tmpfs", 0, nullptr), 0);
  }
};

TEST_F(CriVolumeTest, PropagatesMountsOfASharedVolumeBothWays) {
  const std::filesystem::path volume = LogFolder() / "volume";
  MountTmpfs(volume);
  ASSERT_EQ(::mount(nullptr, volume.c_str(), nullptr, MS_SHARED, nullptr), 0);
  v1::PodSandboxConfig pod = PodConfig("pod");
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  std::string pod_id;
  ASSERT_THAT(RunPod(pod, &pod_id), IsRpcOk());
  const std::string id = MustStart(pod_id, WithVolume(volume, v1::PROPAGATION_BIDIRECTIONAL));
  MustExec(id, "mkdir /data/in; mount -t tmpfs in /data/in; touch /data/in/x");
  EXPECT_TRUE(std::filesystem::exists(volume / "in/x"));
  MountTmpfs(volume / "out");
  std::ofstream(volume / "out/x") << "";
  EXPECT_EQ(MustExec(id, "ls /data/out"), "x");
  ASSERT_EQ(::umount2(volume.c_str(), MNT_DETACH), 0);
}

TEST_F(CriVolumeTest, RefusesPropagationWhereThereIsNone) {
  const std::filesystem::path volume = LogFolder() / "volume";
  std::filesystem::create_directory(volume);
  const std::string pod = MustRunPod("pod");
  for (const auto way : {v1::PROPAGATION_BIDIRECTIONAL, v1::PROPAGATION_HOST_TO_CONTAINER}) {
    v1::ContainerConfig config = WithVolume(volume, way);
    config.mutable_linux()->mutable_security_context()->set_privileged(false);
    std::string id;
    EXPECT_THAT(Create(pod, config, &id),
                RpcFailsWith(grpc::FAILED_PRECONDITION, "not a shared mount"));
  }
}

// As other runtimes do: the kubelet makes none for a hostPath without a type.
TEST_F(CriVolumeTest, MakesTheFolderOfAVolumeThatIsNotThereAndLeavesIt) {
  const std::filesystem::path volume = LogFolder() / "new/volume";
  std::filesystem::create_directory_symlink(LogFolder(), LogFolder() / "link");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_container_path("/data");
  mount->set_host_path(LogFolder() / "link/new/volume");
  const std::string id = MustStart(MustRunPod("pod"), config);
  MustExec(id, "echo x >/data/file");
  ASSERT_THAT(Remove(id), IsRpcOk());
  EXPECT_TRUE(std::filesystem::exists(volume / "file"));
  struct stat status{};
  ASSERT_EQ(::stat(volume.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0755u);
  EXPECT_EQ(status.st_uid, 0u);
}

TEST_F(CriVolumeTest, MountsAnImageReadOnlyAndExecutable) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  AddImageVolume(config);
  const std::string id = MustStart(pod, config);
  EXPECT_EQ(MustExec(id, "/volume/bin/busybox echo runs"), "runs");
  EXPECT_THAT(MustExec(id, "touch /volume/x 2>&1 || true"), HasSubstr("Read-only file system"));
  const v1::ContainerStatus status = StatusOf(id);
  ASSERT_EQ(status.mounts_size(), 1);
  EXPECT_EQ(status.mounts(0).image().image_ref(), image_id_);
}

TEST_F(CriVolumeTest, MountsAFolderAndAFileOfAnImage) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  AddImageVolume(config).set_image_sub_path("bin");
  auto& file = AddImageVolume(config);
  file.set_container_path("/passwd");
  file.set_image_sub_path("etc/passwd");
  const std::string id = MustStart(pod, config);
  EXPECT_EQ(MustExec(id, "/volume/busybox echo runs"), "runs");
  EXPECT_EQ(MustExec(id, "cmp /passwd /etc/passwd && echo same"), "same");
}

TEST_F(CriVolumeTest, FailsForAPartThatTheImageDoesNotHave) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  AddImageVolume(config).set_image_sub_path("no/such/folder");
  std::string id;
  EXPECT_THAT(Create(pod, config, &id),
              RpcFailsWith(grpc::NOT_FOUND, "ImageVolumeMountFailed: image_sub_path"));
}

TEST_F(CriVolumeTest, FailsForAnImageThatIsNotThere) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  AddImageVolume(config).mutable_image()->set_image("nowhere:1");
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), RpcFailsWith(grpc::NOT_FOUND, "nowhere:1"));
}

TEST_F(CriVolumeTest, GivesTheDeviceOfACdiFileToTheContainersUser) {
  folder_.Fill({{"bin/cdi/vendor.json", R"({"cdiVersion": "0.6.0", "kind": "vendor.com/gpu",
      "devices": [{"name": "gpu0", "containerEdits": {"deviceNodes": [
          {"path": "/dev/gpu0", "hostPath": "/dev/full", "fileMode": 384}]}}]})"}});
  RestartWith(R"({"cdiSpecDirs": [")" + (folder_ / "bin/cdi").native() + R"("]})");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  config.add_cdi_devices()->set_name("vendor.com/gpu=gpu0");
  config.mutable_linux()->mutable_security_context()->mutable_run_as_user()->set_value(1000);
  const std::string id = MustStart(MustRunPod("pod"), config);
  EXPECT_THAT(MustExec(id, "echo x 2>&1 >/dev/gpu0 || true"), HasSubstr("No space left"));
}

TEST_F(CriVolumeTest, GivesAContainerWhatACdiFileSays) {
  folder_.Fill({{"bin/cdi/vendor.json", R"({"cdiVersion": "0.6.0", "kind": "vendor.com/gpu",
      "devices": [{"name": "gpu0", "containerEdits": {"env": ["GPU=zero"],
          "deviceNodes": [{"path": "/dev/vendor/gpu0", "hostPath": "/dev/full"}],
          "mounts": [{"hostPath": "/etc/hostname", "containerPath": "/vendor",
                      "options": ["ro"]}]}}]})"}});
  RestartWith(R"({"cdiSpecDirs": [")" + (folder_ / "bin/cdi").native() + R"("]})");
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  config.add_cdi_devices()->set_name("vendor.com/gpu=gpu0");
  const std::string id = MustStart(pod, config);
  EXPECT_EQ(MustExec(id, "echo $GPU"), "zero");
  EXPECT_THAT(MustExec(id, "echo x 2>&1 >/dev/vendor/gpu0 || true"), HasSubstr("No space left"));
  EXPECT_EQ(MustExec(id, "test -f /vendor && echo there"), "there");
  EXPECT_EQ(StatusOf(id).mounts_size(), 0);

  v1::ContainerConfig other = ShellConfig("d", "sleep 1000");
  other.add_cdi_devices()->set_name("vendor.com/gpu=gpu7");
  std::string none;
  EXPECT_THAT(Create(pod, other, &none), RpcFailsWith(grpc::NOT_FOUND, "vendor.com/gpu=gpu7"));
}

TEST_F(CriVolumeTest, RunsPodsByTheHandlersOfItsConfigurationAndNoOthers) {
  RestartWith(R"({"runtimeHandlers": {"quick": ""}})");
  v1::RunPodSandboxRequest request;
  *request.mutable_config() = PodConfig("pod");
  request.set_runtime_handler("quick");
  v1::RunPodSandboxResponse response;
  {
    grpc::ClientContext context;
    ASSERT_THAT(daemon_->runtime().RunPodSandbox(&context, request, &response), IsRpcOk());
  }
  EXPECT_EQ(PodStatusOf(response.pod_sandbox_id()).runtime_handler(), "quick");
  request.mutable_config()->mutable_metadata()->set_name("other");
  request.set_runtime_handler("kata");
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().RunPodSandbox(&context, request, &response),
              RpcFailsWith(grpc::INVALID_ARGUMENT, "no handler \"kata\""));
}

}  // namespace
}  // namespace trivet::testing
