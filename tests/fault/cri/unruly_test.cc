#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::IsEmpty;

class UnrulyTest : public CriTest {
 protected:
  void TearDown() override {
    if (daemon_) RemoveAllPods();
    for (const auto& folder : small_) EXPECT_EQ(::umount(folder.c_str()), 0) << folder;
    CriTest::TearDown();
  }

  // A file system of `megabytes` at `folder` until the end of the test.
  void MountSmall(const std::filesystem::path& folder, int megabytes) {
    std::filesystem::create_directories(folder);
    const std::string options = fmt::format("size={}m,mode=700", megabytes);
    ASSERT_EQ(::mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()), 0);
    small_.push_back(folder);
  }

  static void Fill(const std::filesystem::path& folder) {
    std::ofstream ballast(folder / "ballast");
    const std::string block(64 << 10, 'x');
    while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

 private:
  std::vector<std::filesystem::path> small_;
};

TEST_F(UnrulyTest, StopsAContainerThatFloodsItsOutput) {
  MountSmall(LogFolder(), 64);
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "exec yes"));
  AwaitLog(id, "stdout F y");
  EXPECT_EQ(MustExec(id, "echo reachable"), "reachable");
  EXPECT_THAT(Stop(id, 1), IsRpcOk());
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
}

TEST_F(UnrulyTest, GoesOnWhenTheLogsFileSystemIsFull) {
  MountSmall(LogFolder(), 1);
  Fill(LogFolder());
  const std::string id =
      MustStart(MustRunPod("pod"), ShellConfig("c", "yes | head -n 99999; exit 7"));
  EXPECT_EQ(AwaitEnd(id).exit_code(), 7);
}

TEST_F(UnrulyTest, EndsAContainerThatForksWithoutEnd) {
  auto cgroups = *Cgroups::Open();
  ASSERT_TRUE(cgroups->Create(folders_.cgroup_parent));
  const auto limited = cgroups->SetLimits(folders_.cgroup_parent, {.pids = 200});
  ASSERT_TRUE(limited.has_value()) << limited.error().message();
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(
      pod, ShellConfig("c", "f() { f & f & }; trap '' TERM; echo on; while :; do f; done"));
  AwaitLog(id, "on");
  EXPECT_THAT(Stop(id, 1), IsRpcOk());
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_THAT(*cgroups->Processes(fmt::format("{}/{}/{}", folders_.cgroup_parent, pod, id)),
              IsEmpty());
  ASSERT_TRUE(cgroups->SetLimits(folders_.cgroup_parent, {.pids = -1}));
}

TEST_F(UnrulyTest, EndsAContainerThatIsStoppedAndOneThatIgnoresItsSignal) {
  const std::string pod = MustRunPod("pod");
  const std::string deaf =
      MustStart(pod, ShellConfig("deaf", "trap '' TERM; while :; do sleep 1; done"));
  const std::string still =
      MustStart(pod, ShellConfig("still", "sleep 1000 & kill -STOP $!; wait"));
  EXPECT_THAT(Stop(deaf, 1), IsRpcOk());
  EXPECT_THAT(Stop(still, 1), IsRpcOk());
  EXPECT_EQ(StatusOf(deaf).exit_code(), 137);
  EXPECT_EQ(StatusOf(still).state(), v1::CONTAINER_EXITED);
}

// The kubelet makes another one of it, which must be the only one.
TEST_F(UnrulyTest, NeverRunsAContainerOfWhichItSaidThatItDidNotStart) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, ShellConfig("c", "exec sleep 1000"));
  const int shim = std::stoi(*ReadFile(folders_.run / "shims" / pod / "pid"));
  ASSERT_EQ(::kill(shim, SIGSTOP), 0);
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::DEADLINE_EXCEEDED, "did not answer"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  ASSERT_EQ(::kill(shim, SIGCONT), 0);
  // Answered after the start that came too late.
  MustStart(pod, ShellConfig("next", "sleep 1000"));
  const auto left = [&] {
    return *(*Cgroups::Open())->Processes(fmt::format("{}/{}/{}", folders_.cgroup_parent, pod, id));
  };
  for (int i = 0; i < 1000 && !left().empty(); ++i) ::usleep(10'000);
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(UnrulyTest, RemovesAContainerThatHasFilledItsRoot) {
  MountSmall(folders_.state / "upper", 8);
  const std::string pod = MustRunPod("pod");
  const std::string id =
      MustStart(pod, ShellConfig("c", "cat /dev/zero >/full; echo said $?; sleep 1000"));
  AwaitLog(id, "said 1");
  v1::ExecSyncResponse done;
  EXPECT_THAT(Exec(id, {"/bin/true"}, &done), IsRpcOk());
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_EQ(MustExec(MustStart(pod, ShellConfig("next", "sleep 1000")), "echo fine"), "fine");
}

TEST_F(UnrulyTest, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  const std::string before = MustStart(MustRunPod("before"), ShellConfig("c", "sleep 1000"));
  // The images stay where they are: only the records are on the full file system.
  for (const char* name : {"sandboxes", "containers", "pods"}) {
    const std::filesystem::path folder = folders_.state / name;
    const std::filesystem::path kept = folder_ / "logs" / name;
    std::filesystem::copy(folder, kept, std::filesystem::copy_options::recursive);
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::filesystem::remove_all(entry.path());
    }
    MountSmall(folder, 1);
    std::filesystem::copy(kept, folder, std::filesystem::copy_options::recursive);
    Fill(folder);
  }
  std::string pod;
  EXPECT_THAT(RunPod(PodConfig("pod"), &pod),
              RpcFailsWith(grpc::RESOURCE_EXHAUSTED, "No space left on device"));
  EXPECT_THAT(Stop(before, 0), IsRpcOk());
  for (const char* name : {"sandboxes", "containers", "pods"}) {
    std::filesystem::remove(folders_.state / name / "ballast");
  }
  EXPECT_EQ(MustExec(MustStart(MustRunPod("pod"), ShellConfig("d", "sleep 1000")), "echo fine"),
            "fine");
}

}  // namespace
}  // namespace trivet::testing
