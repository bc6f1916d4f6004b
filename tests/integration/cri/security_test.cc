#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SecurityTest : public CriTest {
 protected:
  void SetUp() override {
    CriTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MustRunPod("pod");
    config_ = ShellConfig("c", "sleep 1000");
  }
  v1::LinuxContainerSecurityContext& Security() {
    return *config_.mutable_linux()->mutable_security_context();
  }
  std::string StatusLine(const std::string& id, const std::string& key) {
    return MustExec(id, "sed -n 's/^" + key + ":[\\t ]*//p' /proc/self/status");
  }
  std::string RunPrivilegedPod() {
    v1::PodSandboxConfig config = PodConfig("privileged");
    config.mutable_linux()->mutable_security_context()->set_privileged(true);
    std::string id;
    EXPECT_THAT(RunPod(config, &id), IsRpcOk());
    return id;
  }
  /// What the command says on its error stream.
  std::string ErrorOf(const std::string& id, const std::string& script) {
    v1::ExecSyncResponse response;
    EXPECT_THAT(Exec(id, {"/bin/sh", "-c", script}, &response), IsRpcOk());
    return response.stderr();
  }

  std::string pod_;
  v1::ContainerConfig config_;
};

TEST_F(SecurityTest, GivesTheFourteenDefaultCapabilitiesAndNoInheritableOnes) {
  const std::string id = MustStart(pod_, config_);
  EXPECT_EQ(StatusLine(id, "CapEff"), "00000000a80425fb");
  EXPECT_EQ(StatusLine(id, "CapInh"), "0000000000000000");
}

// Agents find a pod's cgroup by /proc/<pid>/cgroup: with other runtimes, too, they are privileged.
TEST_F(SecurityTest, SharesTheNodesCgroupNamespaceWithPrivilegedContainersOnly) {
  const std::string own = std::filesystem::read_symlink("/proc/self/ns/cgroup").native();
  const std::string id = MustStart(pod_, config_);
  EXPECT_NE(MustExec(id, "readlink /proc/self/ns/cgroup"), own);
  EXPECT_THAT(MustExec(id, "cat /proc/self/cgroup"), Not(HasSubstr(id)));
  Security().set_privileged(true);
  const std::string privileged = MustStart(RunPrivilegedPod(), config_);
  EXPECT_EQ(MustExec(privileged, "readlink /proc/self/ns/cgroup"), own);
  EXPECT_THAT(MustExec(privileged, "cat /proc/self/cgroup"), HasSubstr(privileged));
  EXPECT_EQ(MustExec(privileged,
                     "for f in /sys/fs/cgroup/pids /sys/fs/cgroup; do [ -e $f/pids.max "
                     "-o -e $f/cgroup.subtree_control ] && echo there && break; done"),
            "there");
}

TEST_F(SecurityTest, DropsAllCapabilities) {
  Security().mutable_capabilities()->add_drop_capabilities("ALL");
  EXPECT_EQ(StatusLine(MustStart(pod_, config_), "CapBnd"), "0000000000000000");
}

TEST_F(SecurityTest, FiltersSystemCallsOnlyWhereItIsAsked) {
  EXPECT_EQ(StatusLine(MustStart(pod_, config_), "Seccomp"), "0");
  config_.mutable_metadata()->set_name("filtered");
  Security().mutable_seccomp()->set_profile_type(v1::SecurityProfile::RuntimeDefault);
  EXPECT_EQ(StatusLine(MustStart(pod_, config_), "Seccomp"), "2");
}

TEST_F(SecurityTest, ForbidsByDefaultWhatTheKernelAllowsToAll) {
  constexpr const char* kNewUserNamespace = "unshare -U true";
  EXPECT_EQ(ErrorOf(MustStart(pod_, config_), kNewUserNamespace), "");
  config_.mutable_metadata()->set_name("filtered");
  Security().mutable_seccomp()->set_profile_type(v1::SecurityProfile::RuntimeDefault);
  EXPECT_THAT(ErrorOf(MustStart(pod_, config_), kNewUserNamespace),
              HasSubstr("Operation not permitted"));
}

TEST_F(SecurityTest, AppliesAProfileOfTheNode) {
  folder_.Fill({{"logs/profile.json",
                 R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                     {"names": ["chmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO"}]})"}});
  Security().mutable_seccomp()->set_profile_type(v1::SecurityProfile::Localhost);
  Security().mutable_seccomp()->set_localhost_ref((LogFolder() / "profile.json").native());
  const std::string id = MustStart(pod_, config_);
  EXPECT_THAT(ErrorOf(id, "touch /tmp/x; chmod 400 /tmp/x"), HasSubstr("Operation not permitted"));
}

TEST_F(SecurityTest, RunsAsTheUserGroupAndSupplementalGroupsThatAreAsked) {
  Security().mutable_run_as_user()->set_value(1001);
  Security().mutable_run_as_group()->set_value(1002);
  Security().add_supplemental_groups(1234);
  const std::string id = MustStart(pod_, config_);
  EXPECT_EQ(MustExec(id, "id -u; id -g; id -G"), "1001\n1002\n1002 1234");
  EXPECT_EQ(StatusOf(id).user().linux().uid(), 1001);
}

TEST_F(SecurityTest, HidesAndProtectsTheKernelsFiles) {
  const std::string id = MustStart(pod_, config_);
  EXPECT_THAT(ErrorOf(id, "echo 1 >/proc/sys/kernel/panic"), HasSubstr("Read-only file system"));
  EXPECT_EQ(MustExec(id, "cat /proc/kcore | head -c 1 | wc -c"), "0");
  EXPECT_THAT(ErrorOf(id, "mkdir /sys/fs/cgroup/cpu/x || mkdir /sys/fs/cgroup/x"),
              HasSubstr("Read-only file system"));
}

TEST_F(SecurityTest, OpensNoDeviceThatAContainerMakes) {
  const std::string id = MustStart(pod_, config_);
  for (const char* folder : {"/tmp", "/dev", "/dev/shm"}) {
    EXPECT_THAT(
        ErrorOf(id, "mknod " + std::string(folder) + "/own c 1 5; head -c 1 " + folder + "/own"),
        HasSubstr("Permission denied"))
        << folder;
  }
}

// CAP_SYS_ADMIN mounts a file system without nodev: then the cgroup's rules are what is left.
TEST_F(SecurityTest, OpensNoDeviceOfTheNodeThroughAMountOfItsOwn) {
  Security().mutable_capabilities()->add_add_capabilities("SYS_ADMIN");
  const std::string id = MustStart(pod_, config_);
  const std::string mount = "mkdir -p /mnt/own && mount -t tmpfs own /mnt/own && cd /mnt/own && ";
  EXPECT_EQ(MustExec(id, mount + "mknod zero c 1 5 && head -c 1 zero | wc -c"), "1");
  EXPECT_THAT(ErrorOf(id, mount + "mknod mem c 1 1 && head -c 1 mem"),
              HasSubstr("Operation not permitted"));
}

TEST_F(SecurityTest, UsesADeviceInTheWayItWasGivenOnly) {
  auto* device = config_.add_devices();
  device->set_host_path("/dev/fuse");
  device->set_container_path("/dev/own");
  device->set_permissions("r");
  const std::string id = MustStart(pod_, config_);
  EXPECT_EQ(MustExec(id, ": </dev/own && echo open"), "open");
  EXPECT_THAT(ErrorOf(id, ": >/dev/own"), HasSubstr("Operation not permitted"));
}

// "/dev/snd" and "/dev/dri" are given so, to processes that are not root but of the right group.
TEST_F(SecurityTest, UsesTheDevicesOfAFolderByTheGroupThatTheNodeGaveThem) {
  constexpr gid_t kGroup = 44;
  const auto device = folder_ / "devices/below/fuse";
  std::filesystem::create_directories(device.parent_path());
  ASSERT_EQ(::mknod(device.c_str(), S_IFCHR | 0600, makedev(10, 229)), 0);
  ASSERT_EQ(::chown(device.c_str(), 0, kGroup), 0);
  ASSERT_EQ(::chmod(device.c_str(), 0660), 0);
  auto* asked = config_.add_devices();
  asked->set_host_path((folder_ / "devices").native());
  asked->set_container_path("/dev/mine");
  asked->set_permissions("r");
  Security().mutable_run_as_user()->set_value(1000);
  Security().add_supplemental_groups(kGroup);
  const std::string id = MustStart(pod_, config_);
  EXPECT_EQ(MustExec(id, "stat -c '%u:%g %a' /dev/mine/below/fuse"), "0:44 660");
  EXPECT_EQ(MustExec(id, ": </dev/mine/below/fuse && echo open"), "open");
  EXPECT_THAT(ErrorOf(id, ": >/dev/mine/below/fuse"), HasSubstr("Operation not permitted"));
  std::filesystem::remove_all(folder_ / "devices");
}

TEST_F(SecurityTest, KeepsItsDeviceRulesWhenTheRuntimeStartsAgain) {
  Security().mutable_capabilities()->add_add_capabilities("SYS_ADMIN");
  const std::string id = MustStart(pod_, config_);
  RestartWith("{}");
  EXPECT_THAT(ErrorOf(id, "mount -t tmpfs own /mnt && mknod /mnt/mem c 1 1 && head -c 1 /mnt/mem"),
              HasSubstr("Operation not permitted"));
}

TEST_F(SecurityTest, MakesTheRootReadOnly) {
  Security().set_readonly_rootfs(true);
  EXPECT_THAT(ErrorOf(MustStart(pod_, config_), "touch /tmp/test"),
              HasSubstr("touch: /tmp/test: Read-only file system"));
}

TEST_F(SecurityTest, GivesAPrivilegedContainerTheNode) {
  Security().set_privileged(true);
  const std::string id = MustStart(RunPrivilegedPod(), config_);
  EXPECT_EQ(StatusLine(id, "Seccomp"), "0");
  EXPECT_EQ(MustExec(id, "mount -t tmpfs x /mnt && echo mounted"), "mounted");
  EXPECT_EQ(MustExec(id, "mknod /mnt/messages c 1 11 && : >/mnt/messages && echo open"), "open");
}

// kubectl debug --profile=sysadmin: the kubelet sends the sandbox's configuration as it would be
// now.
TEST_F(SecurityTest, RunsAPrivilegedEphemeralContainerInAPodThatHadNone) {
  Security().set_privileged(true);
  v1::CreateContainerRequest request;
  request.set_pod_sandbox_id(pod_);
  *request.mutable_config() = config_;
  *request.mutable_sandbox_config() = PodConfig("pod");
  auto& security = *request.mutable_sandbox_config()->mutable_linux()->mutable_security_context();
  security.set_privileged(true);
  v1::CreateContainerResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().CreateContainer(&context, request, &response), IsRpcOk());
  ASSERT_THAT(Start(response.container_id()), IsRpcOk());
  EXPECT_EQ(StatusLine(response.container_id(), "Seccomp"), "0");
}

TEST_F(SecurityTest, GivesNothingOfTheNodeThatThePodDoesNotHave) {
  std::string id;
  Security().set_privileged(true);
  EXPECT_THAT(Create(pod_, config_, &id),
              RpcFailsWith(grpc::INVALID_ARGUMENT, "privileged: the sandbox is not"));
  Security().set_privileged(false);
  Security().mutable_namespace_options()->set_network(v1::NODE);
  EXPECT_THAT(Create(pod_, config_, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "network: NODE"));
}

TEST_F(SecurityTest, SetsNoNewPrivileges) {
  Security().set_no_new_privs(true);
  EXPECT_EQ(StatusLine(MustStart(pod_, config_), "NoNewPrivs"), "1");
}

TEST_F(SecurityTest, GivesAContainerAPidNamespaceOfItsOwn) {
  Security().mutable_namespace_options()->set_pid(v1::CONTAINER);
  config_.clear_command();
  config_.add_command("/bin/sleep");
  config_.add_command("1000");
  EXPECT_EQ(MustExec(MustStart(pod_, config_), "tr '\\0' ' ' </proc/1/cmdline"),
            "/bin/sleep 1000 ");
}

}  // namespace
}  // namespace trivet::testing
