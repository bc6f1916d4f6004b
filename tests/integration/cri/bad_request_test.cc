#include <sys/mount.h>

#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The tables of what is refused are unit tests; here: that the daemon answers so, and that nothing
// is half-made (CriTest looks at its end).

TEST_F(CriTest, RefusesABadSandboxRequestByTheNameOfTheField) {
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->set_cgroup_parent("kubepods");
  std::string id;
  EXPECT_THAT(RunPod(config, &id),
              RpcFailsWith(grpc::INVALID_ARGUMENT, "request: linux: cgroup_parent"));
  config.mutable_linux()->set_cgroup_parent("kubepods.slice");
  EXPECT_THAT(RunPod(config, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "is a slice of systemd's"));
}

TEST_F(CriTest, RefusesAContainerWithoutItsImage) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "true");
  config.mutable_image()->set_image("localhost/no/such:image");
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), RpcFailsWith(grpc::NOT_FOUND, "localhost/no/such:image"));
}

TEST_F(CriTest, RefusesAContainerWhoseHostPathCannotBeMadeAndUndoesIt) {
  const std::string pod = MustRunPod("pod");
  const std::filesystem::path sealed = LogFolder() / "sealed";
  const std::filesystem::path link = LogFolder() / "link";
  std::filesystem::create_directory(sealed);
  ASSERT_EQ(::mount("tmpfs", sealed.c_str(), "tmpfs", MS_RDONLY, nullptr), 0);
  std::filesystem::create_symlink(LogFolder() / "nothing", link);
  const auto refusal = [&](const std::filesystem::path& path) {
    v1::ContainerConfig config = ShellConfig("c", "true");
    auto* mount = config.add_mounts();
    mount->set_container_path("/data");
    mount->set_host_path(path);
    std::string id;
    return Create(pod, config, &id).error_message();
  };
  EXPECT_THAT(refusal(sealed / "a/b"), AllOf(HasSubstr("host_path " + (sealed / "a/b").native()),
                                             HasSubstr("Read-only file system")));
  EXPECT_THAT(refusal(link), HasSubstr("host_path " + link.native()));
  EXPECT_FALSE(std::filesystem::exists(LogFolder() / "nothing"));
  EXPECT_THAT(refusal("/proc/nowhere"), HasSubstr("mkdir /proc/nowhere"));
  std::string id;
  EXPECT_THAT(Create(pod, ShellConfig("c", "true"), &id), IsRpcOk());
  ASSERT_EQ(::umount2(sealed.c_str(), MNT_DETACH), 0);
}

TEST_F(CriTest, RefusesAContainerInAPodThatWasStopped) {
  const std::string pod = MustRunPod("pod");
  ASSERT_THAT(StopPod(pod), IsRpcOk());
  std::string id;
  EXPECT_THAT(Create(pod, ShellConfig("c", "true"), &id),
              RpcFailsWith(grpc::FAILED_PRECONDITION, "is not ready"));
}

TEST_F(CriTest, RefusesALimitThatTheKernelRefusesAndUndoesTheContainer) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "true");
  config.mutable_linux()->mutable_resources()->set_cpuset_cpus("4095");
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "cgroup"));
}

TEST_F(CriTest, AnswersUnimplementedForWhatItDoesNotDo) {
  v1::ExecResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(daemon_->runtime().Exec(&context, {}, &response).error_code(), grpc::UNIMPLEMENTED);
}

TEST_F(CriTest, NamesTheApiVersionsThatAKubeletTakes) {
  v1::VersionResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().Version(&context, {}, &response), IsRpcOk());
  EXPECT_EQ(response.version(), "0.1.0");
  EXPECT_EQ(response.runtime_api_version(), "v1");
}

TEST_F(CriTest, LeavesWhatRunsAlreadyAsItIsWhenItIsToStart) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  const int64_t started_at = StatusOf(id).started_at();
  EXPECT_THAT(Start(id), IsRpcOk());
  EXPECT_EQ(StatusOf(id).started_at(), started_at);
}

TEST_F(CriTest, RefusesToStartWhatHasEnded) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "exit 0"));
  AwaitEnd(id);
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::FAILED_PRECONDITION, "has ended"));
}

TEST_F(CriTest, RefusesAnExecInAContainerThatDoesNotRun) {
  const std::string id = MustCreate(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ExecSyncResponse response;
  EXPECT_THAT(Exec(id, {"true"}, &response),
              RpcFailsWith(grpc::FAILED_PRECONDITION, "does not run"));
}

}  // namespace
}  // namespace trivet::testing
