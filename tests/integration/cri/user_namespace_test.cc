#include <sys/stat.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kFirst = 200000;
constexpr uint32_t kLength = 65536;

// Pods with hostUsers: false.
class UserNamespaceTest : public CriTest {
 protected:
  static void Map(v1::IDMapping* mapping, uint32_t host_id = kFirst) {
    mapping->set_host_id(host_id);
    mapping->set_length(kLength);
  }
  v1::PodSandboxConfig UserPodConfig(const std::string& name, uint32_t host_id = kFirst) {
    v1::PodSandboxConfig config = PodConfig(name);
    auto* user = config.mutable_linux()
                     ->mutable_security_context()
                     ->mutable_namespace_options()
                     ->mutable_userns_options();
    user->set_mode(v1::POD);
    Map(user->add_uids(), host_id);
    Map(user->add_gids(), host_id);
    return config;
  }
  std::string RunUserPod(const std::string& name, uint32_t host_id = kFirst) {
    std::string id;
    EXPECT_THAT(RunPod(UserPodConfig(name, host_id), &id), IsRpcOk());
    return id;
  }
  std::string RunUserPod(const v1::PodSandboxConfig& config) {
    std::string id;
    EXPECT_THAT(RunPod(config, &id), IsRpcOk());
    return id;
  }
  /// A folder of the node's root, mounted at /data; with `mapped` its owners are the pod's.
  v1::ContainerConfig WithVolume(v1::ContainerConfig config, bool mapped) {
    std::filesystem::create_directories(Volume());
    auto* mount = config.add_mounts();
    mount->set_container_path("/data");
    mount->set_host_path(Volume().native());
    if (!mapped) return config;
    Map(mount->add_uidmappings());
    Map(mount->add_gidmappings());
    return config;
  }
  [[nodiscard]] std::filesystem::path Volume() const { return folder_ / "logs" / "volume"; }
  static v1::LinuxContainerSecurityContext& SecurityOf(v1::ContainerConfig& config) {
    return *config.mutable_linux()->mutable_security_context();
  }
  static struct stat StatOf(const std::filesystem::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status;
  }
  std::string Sleeper(const std::string& pod, const std::string& name = "c") {
    return MustStart(pod, ShellConfig(name, "sleep 1000"));
  }
};

TEST_F(UserNamespaceTest, IsSaidToBeThere) {
  v1::StatusResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().Status(&context, {}, &response), IsRpcOk());
  EXPECT_TRUE(response.runtime_handlers(0).features().user_namespaces());
  EXPECT_FALSE(response.features().user_namespaces_host_network());
}

TEST_F(UserNamespaceTest, HasTheIdsThatAreAsked) {
  const std::string pod = RunUserPod("pod");
  const std::string id = Sleeper(pod);
  EXPECT_EQ(MustExec(id, "tr -s ' ' </proc/self/uid_map"), " 0 200000 65536");
  EXPECT_EQ(MustExec(id, "tr -s ' ' </proc/1/gid_map"), " 0 200000 65536");
  const auto user = PodStatusOf(pod).linux().namespaces().options().userns_options();
  EXPECT_EQ(user.mode(), v1::POD);
  EXPECT_EQ(user.uids(0).host_id(), kFirst);
  EXPECT_EQ(user.gids(0).length(), kLength);
}

TEST_F(UserNamespaceTest, IsRootInsideAndNobodyOfTheNode) {
  const std::string id = Sleeper(RunUserPod("pod"));
  EXPECT_EQ(MustExec(id, "id -u; id -g; stat -c %u:%g / /bin/busybox /etc/hosts /dev /proc/1"),
            "0\n0\n0:0\n0:0\n0:0\n0:0\n0:0");
  EXPECT_EQ(MustExec(id, "touch /made; chown 7:8 /made; stat -c %u:%g /made"), "7:8");
  const struct stat made = StatOf(folders_.state / "upper" / id / "fs" / "made");
  EXPECT_EQ(made.st_uid, kFirst + 7);
  EXPECT_EQ(made.st_gid, kFirst + 8);
  EXPECT_EQ(MustExec(id, "rm /etc/passwd && echo gone"), "gone");  // of a layer: only this one's
}

TEST_F(UserNamespaceTest, RunsInEachKindOfPidNamespace) {
  const std::string pod = RunUserPod("pod");
  const std::string shared = Sleeper(pod, "shared");
  v1::ContainerConfig own = ShellConfig("own", "");
  own.clear_command();
  own.add_command("/bin/sleep");
  own.add_command("1000");
  SecurityOf(own).mutable_namespace_options()->set_pid(v1::CONTAINER);
  const std::string first = MustStart(pod, own);
  EXPECT_EQ(MustExec(first, "cat /proc/1/comm"), "sleep");
  v1::ContainerConfig target = ShellConfig("target", "sleep 1000");
  SecurityOf(target).mutable_namespace_options()->set_pid(v1::TARGET);
  SecurityOf(target).mutable_namespace_options()->set_target_id(first);
  EXPECT_EQ(MustExec(MustStart(pod, target), "cat /proc/1/comm"), "sleep");
  EXPECT_EQ(MustExec(shared, "cat /proc/1/comm"), "trivet-pause");
}

TEST_F(UserNamespaceTest, KeepsLogsExitCodesAndSignals) {
  const std::string pod = RunUserPod("pod");
  v1::ContainerConfig own = ShellConfig("own", "echo from inside >/dev/stdout; exit 42");
  SecurityOf(own).mutable_namespace_options()->set_pid(v1::CONTAINER);
  const std::string ended = MustStart(pod, own);
  EXPECT_EQ(AwaitEnd(ended).exit_code(), 42);
  AwaitLog(ended, "from inside");

  v1::ContainerConfig user = ShellConfig("user", "echo as user >/dev/stdout; sleep 1000");
  SecurityOf(user).mutable_run_as_user()->set_value(1000);
  const std::string running = MustStart(pod, user);
  AwaitLog(running, "as user");
  EXPECT_THAT(Stop(running, 0), IsRpcOk());
  EXPECT_EQ(AwaitEnd(running).exit_code(), 137);
}

TEST_F(UserNamespaceTest, SaysWhichUserItDoesNotHave) {
  v1::ContainerConfig config = ShellConfig("c", "true");
  SecurityOf(config).mutable_run_as_user()->set_value(kLength);
  std::string id;
  EXPECT_THAT(
      Create(RunUserPod("pod"), config, &id),
      RpcFailsWith(grpc::INVALID_ARGUMENT, "user 65536 is not in the pod's user namespace"));
}

TEST_F(UserNamespaceTest, SetsThePodsSysctls) {
  v1::PodSandboxConfig config = UserPodConfig("pod");
  auto& sysctls = *config.mutable_linux()->mutable_sysctls();
  sysctls["kernel.shm_rmid_forced"] = "1";
  sysctls["net.ipv4.ip_unprivileged_port_start"] = "77";
  EXPECT_EQ(
      MustExec(Sleeper(RunUserPod(config)),
               "cd /proc/sys; cat kernel/shm_rmid_forced net/ipv4/ip_unprivileged_port_start"),
      "1\n77");
}

TEST_F(UserNamespaceTest, GivesATerminal) {
  v1::ContainerConfig config = ShellConfig("c", "tty; stat -c %u:%g /dev/pts/0; sleep 1000");
  config.set_tty(true);
  const std::string id = MustStart(RunUserPod("pod"), config);
  AwaitLog(id, "/dev/pts/0");
  AwaitLog(id, "0:5");
}

TEST_F(UserNamespaceTest, OwnsAMappedVolumeAsItIsOnTheNode) {
  folder_.Fill({{"logs/volume/there", "text"}});
  const std::string id =
      MustStart(RunUserPod("pod"), WithVolume(ShellConfig("c", "sleep 1000"), true));
  EXPECT_EQ(MustExec(id, "stat -c %u /data/there; touch /data/made; chown 5 /data/made"), "0");
  EXPECT_EQ(StatOf(Volume() / "made").st_uid, 5u);
  EXPECT_EQ(StatusOf(id).mounts(0).uidmappings(0).host_id(), kFirst);
}

TEST_F(UserNamespaceTest, NamesTheMountWhoseFileSystemCannotBeMapped) {
  v1::ContainerConfig config = ShellConfig("c", "true");
  auto* mount = config.add_mounts();
  mount->set_container_path("/node-proc");
  mount->set_host_path("/proc");
  Map(mount->add_uidmappings());
  Map(mount->add_gidmappings());
  std::string id;
  EXPECT_THAT(Create(RunUserPod("pod"), config, &id),
              RpcFailsWith(grpc::INVALID_ARGUMENT,
                           "mount /node-proc: /proc: the file system has no idmapped mounts"));
}

TEST_F(UserNamespaceTest, MountsImagesWithTheirOwners) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  for (const char* part : {"", "bin"}) {
    auto* mount = config.add_mounts();
    mount->set_container_path(std::string("/volume") + part);
    mount->mutable_image()->set_image(image_id_);
    mount->set_image_sub_path(part);
    mount->set_readonly(true);
  }
  const std::string id = MustStart(RunUserPod("pod"), config);
  EXPECT_EQ(MustExec(id, "stat -c %u:%g /volume/bin/busybox /volumebin/busybox"), "0:0\n0:0");
  EXPECT_EQ(MustExec(id, "/volumebin/busybox echo runs"), "runs");
}

TEST_F(UserNamespaceTest, GoesOnAfterTheDaemonCameBack) {
  const std::string pod = RunUserPod("pod");
  const std::string before = Sleeper(pod, "before");
  daemon_->Kill();
  StartDaemon();
  EXPECT_EQ(MustExec(before, "echo still here"), "still here");
  EXPECT_EQ(MustExec(Sleeper(pod, "after"), "stat -c %u /"), "0");
}

// The node's root is nobody inside: what it owns is read and written as by any other user.
TEST_F(UserNamespaceTest, CannotTouchWhatTheNodesRootOwns) {
  folder_.Fill({{"logs/volume/secret", "secret"}});
  ASSERT_EQ(::chmod((Volume() / "secret").c_str(), 0600), 0);
  const std::string id =
      MustStart(RunUserPod("pod"), WithVolume(ShellConfig("c", "sleep 1000"), false));
  EXPECT_EQ(MustExec(id, "stat -c %u /data/secret; cat /data/secret || true"), "65534");
  EXPECT_EQ(MustExec(id,
                     "echo x >/data/secret || chmod 777 /data/secret || touch /data/x || "
                     "chown 0 /data/secret || echo no"),
            "no");
  EXPECT_EQ(*ReadFile(Volume() / "secret"), "secret");
}

TEST_F(UserNamespaceTest, GetsNoUserByASetuidFileOfTheNode) {
  std::filesystem::create_directories(Volume());
  const std::string pod = RunUserPod("pod");
  v1::ContainerConfig config = WithVolume(ShellConfig("c", "sleep 1000"), false);
  SecurityOf(config).mutable_run_as_user()->set_value(1000);
  std::filesystem::copy_file("/usr/bin/id", Volume() / "id");
  ASSERT_EQ(::chmod((Volume() / "id").c_str(), 06755), 0);
  // A program of the node's libc may not run in the image at all: then it gets nothing either.
  EXPECT_EQ(MustExec(MustStart(pod, config), "/data/id -u 2>/dev/null | grep -v 1000 || echo no"),
            "no");
}

// procMount: Unmasked, so that it can have containers of its own.
TEST_F(UserNamespaceTest, HidesNothingOfProcWhenTheRequestSaysSo) {
  const std::string pod = RunUserPod("pod");
  v1::ContainerConfig masked = ShellConfig("masked", "sleep 1000");
  SecurityOf(masked).add_masked_paths("/proc/interrupts");
  SecurityOf(masked).add_readonly_paths("/proc/sys");
  const std::string tell = "wc -c </proc/interrupts | grep -x 0; grep -c ' /proc/' /proc/mounts";
  EXPECT_EQ(MustExec(MustStart(pod, masked), tell), "0\n2");
  EXPECT_EQ(MustExec(Sleeper(pod), tell + " || echo whole"), "0\nwhole");
}

TEST_F(UserNamespaceTest, HasItsCapabilitiesOnlyInside) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  SecurityOf(config).set_privileged(true);
  v1::PodSandboxConfig pod = UserPodConfig("pod");
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  const std::string id = MustStart(RunUserPod(pod), config);
  EXPECT_EQ(MustExec(id, "mount -t tmpfs x /mnt && echo mounted"), "mounted");
  EXPECT_EQ(MustExec(id, "hostname inside && hostname"), "inside");
  EXPECT_EQ(MustExec(id, "mknod /made c 1 3 || echo no"), "no");
  EXPECT_EQ(MustExec(id, "echo 1 >/proc/sys/kernel/panic || echo no"), "no");
  EXPECT_EQ(MustExec(id,
                     "echo 0 >/proc/self/oom_score_adj; echo -1000 >/proc/self/oom_score_adj "
                     "|| echo no"),
            "no");
  EXPECT_EQ(MustExec(id,
                     "for d in /dev/*; do [ -b $d ] && head -c 1 $d >/dev/null && echo $d; "
                     "done; echo end"),
            "end");
}

TEST_F(UserNamespaceTest, CannotReachThePodsPidOneNorAnotherPod) {
  const std::string other = Sleeper(RunUserPod("other", kFirst + kLength), "other");
  const std::string pod = RunUserPod("pod");
  v1::ContainerConfig config = WithVolume(ShellConfig("c", "sleep 1000"), false);
  SecurityOf(config).mutable_capabilities()->add_add_capabilities("ALL");
  const std::string id = MustStart(pod, config);
  EXPECT_EQ(MustExec(id, "ls /proc/1/root/ || ls /proc/1/fd/ || readlink /proc/1/exe || echo no"),
            "no");
  EXPECT_EQ(MustExec(id, "cat /proc/[0-9]*/comm | grep -c trivet-shim || true"), "0");
  // Files of the other pod's root.
  const auto file = folders_.state / "upper" / other / "fs" / "file";
  EXPECT_EQ(MustExec(other, "umask 077; echo mine >/file; cat /file"), "mine");
  std::filesystem::create_hard_link(file, Volume() / "file");
  EXPECT_EQ(MustExec(id, "cat /data/file || echo no"), "no");
}

// CVE-2021-30465 with the mounts that are made inside: ".." at the root stays there.
TEST_F(UserNamespaceTest, MountsBelowItsRootEvenWhenTheTargetIsALinkOutOfIt) {
  v1::ContainerConfig config = WithVolume(ShellConfig("c", "sleep 1000"), true);
  const std::string outside = (folder_ / "outside").native();
  std::filesystem::create_symlink("../../../../../../../.." + outside, Volume() / "link");
  auto* mount = config.add_mounts();
  mount->set_container_path("/data/link");
  mount->set_host_path(Volume().native());
  const std::string id = MustStart(RunUserPod("pod"), config);
  EXPECT_EQ(MustExec(id, "test -L " + outside + "/link && echo inside"), "inside");
  EXPECT_FALSE(std::filesystem::exists(outside));
}

TEST_F(UserNamespaceTest, RefusesWhatDoesNotFitThePod) {
  v1::PodSandboxConfig host_network = UserPodConfig("host-network");
  host_network.mutable_linux()
      ->mutable_security_context()
      ->mutable_namespace_options()
      ->set_network(v1::NODE);
  std::string id;
  EXPECT_THAT(RunPod(host_network, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "userns_options"));
  const std::string plain = MustRunPod("plain");
  EXPECT_THAT(Create(plain, WithVolume(ShellConfig("c", "true"), true), &id),
              RpcFailsWith(grpc::INVALID_ARGUMENT, "mount /data: uidMappings"));
}

}  // namespace
}  // namespace trivet::testing
