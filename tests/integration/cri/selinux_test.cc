#include <sys/xattr.h>

#include <array>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

/// On a node with the policy of tests/node/make-selinux-policy, which allows everything: what
/// counts here is who gets which label. The node's own processes are node_t.
class SelinuxTest : public CriTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/sys/fs/selinux/enforce")) {
      GTEST_SKIP() << "SELinux is not enabled";
    }
    CriTest::SetUp();
  }

  static std::string LabelOf(const std::filesystem::path& file) {
    std::array<char, 256> label{};
    ::lgetxattr(file.c_str(), "security.selinux", label.data(), label.size() - 1);
    return label.data();
  }

  /// A verbose answer's words about the container.
  std::string InfoOf(const std::string& id, const std::string& key) {
    v1::ContainerStatusRequest request;
    request.set_container_id(id);
    request.set_verbose(true);
    v1::ContainerStatusResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().ContainerStatus(&context, request, &response), IsRpcOk());
    return (*response.mutable_info())[key];
  }
  /// The container's root as the node's root sees it.
  std::filesystem::path RootOf(const std::string& id) {
    const auto state = json::Parse(InfoOf(id, "state"));
    const int pid = state ? state->value("pid", 0) : 0;
    return "/proc/" + std::to_string(pid) + "/root";
  }
  std::string OwnLabel(const std::string& id) {
    return MustExec(id, "tr -d '\\000' </proc/self/attr/current");
  }
  std::string FirstLabel(const std::string& id) {
    const auto text = ReadFile(RootOf(id).parent_path() / "attr/current");
    return text ? text->c_str() : "";
  }
  void ExpectOwnFilesLabelled(const std::string& id) {
    MustExec(id, "touch /new /dev/shm/new");
    const std::string expected = "system_u:object_r:container_file_t:" + LevelOf(FirstLabel(id));
    for (const char* file : {"/", "/bin", "/new", "/dev", "/dev/null", "/dev/pts", "/dev/shm",
                             "/dev/shm/new", "/dev/mqueue", "/etc/hosts", "/etc/resolv.conf"}) {
      EXPECT_EQ(LabelOf(RootOf(id).native() + file), expected) << file;
    }
  }
  static std::string LevelOf(const std::string& label) {
    std::string level = label;
    for (int part = 0; part < 3; ++part) level = level.substr(level.find(':') + 1);
    return level;
  }
  static v1::SELinuxOption& Options(v1::ContainerConfig& config) {
    return *config.mutable_linux()->mutable_security_context()->mutable_selinux_options();
  }
};

TEST_F(SelinuxTest, LabelsAContainersProcessesAndWhatIsExecutedInIt) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  const std::string label = FirstLabel(id);
  EXPECT_THAT(label, MatchesRegex("system_u:system_r:container_t:s0:c[0-9]{1,4},c[0-9]{1,4}"));
  EXPECT_EQ(OwnLabel(id), label);
  EXPECT_THAT(InfoOf(id, "selinux"), HasSubstr("\"" + label + "\""));
}

TEST_F(SelinuxTest, LabelsTheFilesThatAreTheContainersOwn) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  ExpectOwnFilesLabelled(id);
  EXPECT_THAT(LabelOf(RootOf(id) / "sys/firmware"), HasSubstr(":container_file_t:"));  // a mask
}

TEST_F(SelinuxTest, LabelsAPodWithAUserNamespaceJustTheSame) {
  v1::PodSandboxConfig pod = PodConfig("pod");
  auto& security = *pod.mutable_linux()->mutable_security_context();
  auto& user = *security.mutable_namespace_options()->mutable_userns_options();
  user.set_mode(v1::POD);
  for (v1::IDMapping* mapping : {user.add_uids(), user.add_gids()}) {
    mapping->set_host_id(200000);
    mapping->set_length(65536);
  }
  std::string id;
  ASSERT_THAT(RunPod(pod, &id), IsRpcOk());
  const std::string container = MustStart(id, ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(OwnLabel(container), FirstLabel(container));
  ExpectOwnFilesLabelled(container);
}

TEST_F(SelinuxTest, LabelsAnImageVolume) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_container_path("/volume");
  mount->mutable_image()->set_image(image_id_);
  mount->set_readonly(true);
  const std::string id = MustStart(MustRunPod("pod"), config);
  const std::string expected = "system_u:object_r:container_file_t:" + LevelOf(FirstLabel(id));
  EXPECT_EQ(LabelOf(RootOf(id) / "volume"), expected);
  EXPECT_EQ(LabelOf(RootOf(id) / "volume/bin"), expected);
}

TEST_F(SelinuxTest, GivesEachPodALevelThatItsContainersShare) {
  const std::string first = MustRunPod("first");
  const std::string one = OwnLabel(MustStart(first, ShellConfig("one", "sleep 1000")));
  const std::string other =
      OwnLabel(MustStart(MustRunPod("second"), ShellConfig("one", "sleep 1000")));
  EXPECT_NE(LevelOf(one), LevelOf(other));
  RestartWith("{}");
  EXPECT_EQ(OwnLabel(MustStart(first, ShellConfig("two", "sleep 1000"))), one);
}

TEST_F(SelinuxTest, TakesTheLabelThatAContainerNames) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  Options(config).set_type("other_t");
  Options(config).set_level("s0:c5");
  const std::string id = MustStart(MustRunPod("pod"), config);
  EXPECT_EQ(OwnLabel(id), "system_u:system_r:other_t:s0:c5");
  EXPECT_EQ(LabelOf(RootOf(id) / "bin"), "system_u:object_r:container_file_t:s0:c5");
}

TEST_F(SelinuxTest, TakesTheLevelThatAPodNames) {
  v1::PodSandboxConfig pod = PodConfig("pod");
  auto& security = *pod.mutable_linux()->mutable_security_context();
  security.mutable_selinux_options()->set_level("s0:c7,c8");
  std::string id;
  ASSERT_THAT(RunPod(pod, &id), IsRpcOk());
  EXPECT_EQ(OwnLabel(MustStart(id, ShellConfig("c", "sleep 1000"))),
            "system_u:system_r:container_t:s0:c7,c8");
}

TEST_F(SelinuxTest, RefusesALabelThatThePolicyDoesNotHave) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  Options(config).set_type("nobodys_t");
  std::string id;
  EXPECT_THAT(Create(MustRunPod("pod"), config, &id),
              RpcFailsWith(grpc::StatusCode::INVALID_ARGUMENT, "nobodys_t:s0:c"));
  v1::PodSandboxConfig pod = PodConfig("other");
  auto& security = *pod.mutable_linux()->mutable_security_context();
  security.mutable_selinux_options()->set_level("s9");
  EXPECT_THAT(RunPod(pod, &id), RpcFailsWith(grpc::StatusCode::INVALID_ARGUMENT, "container_t:s9"));
}

TEST_F(SelinuxTest, ConfinesNoPrivilegedContainer) {
  v1::PodSandboxConfig pod = PodConfig("pod");
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  std::string pod_id;
  ASSERT_THAT(RunPod(pod, &pod_id), IsRpcOk());
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  config.mutable_linux()->mutable_security_context()->set_privileged(true);
  EXPECT_THAT(OwnLabel(MustStart(pod_id, config)), StartsWith("system_u:system_r:node_t:"));
}

TEST_F(SelinuxTest, ConfinesAContainerThatSeesTheNodesProcessesOnlyWhereItsTypeIsNamed) {
  v1::PodSandboxConfig pod = PodConfig("pod");
  auto& of_pod = *pod.mutable_linux()->mutable_security_context();
  of_pod.mutable_namespace_options()->set_pid(v1::NODE);
  std::string pod_id;
  ASSERT_THAT(RunPod(pod, &pod_id), IsRpcOk());
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto& of_container = *config.mutable_linux()->mutable_security_context();
  of_container.mutable_namespace_options()->set_pid(v1::NODE);
  EXPECT_THAT(OwnLabel(MustStart(pod_id, config)), StartsWith("system_u:system_r:node_t:"));
  config.mutable_metadata()->set_name("d");
  Options(config).set_type("other_t");
  EXPECT_THAT(OwnLabel(MustStart(pod_id, config)), StartsWith("system_u:system_r:other_t:s0:c"));
}

TEST_F(SelinuxTest, RelabelsAVolumeAndNothingThatItsLinksLeadTo) {
  const std::filesystem::path volume = LogFolder() / "volume";
  folder_.Fill({{"logs/volume/a/file", "x"}, {"logs/secret", "x"}});
  std::filesystem::create_symlink(LogFolder() / "secret", volume / "a/link");
  const std::string before = LabelOf(LogFolder() / "secret");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_host_path(volume.native());
  mount->set_container_path("/volume");
  const std::string pod = MustRunPod("pod");
  MustStart(pod, config);
  EXPECT_EQ(LabelOf(volume / "a/file"), before);  // not asked

  config.mutable_metadata()->set_name("d");
  mount->set_selinux_relabel(true);
  const std::string expected =
      "system_u:object_r:container_file_t:" + LevelOf(OwnLabel(MustStart(pod, config)));
  for (const char* name : {"", "a", "a/file", "a/link"}) {
    EXPECT_EQ(LabelOf(volume / name), expected) << name;
  }
  EXPECT_EQ(LabelOf(LogFolder() / "secret"), before);
}

TEST_F(SelinuxTest, RelabelsNoneOfTheNodesOwnFoldersWhateverLeadsThere) {
  std::filesystem::create_directories(LogFolder());
  std::filesystem::create_symlink("/etc", LogFolder() / "link");
  const std::string pod = MustRunPod("pod");
  for (const std::string& path : {std::string("/etc/"), (LogFolder() / "link").native()}) {
    v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
    auto* mount = config.add_mounts();
    mount->set_host_path(path);
    mount->set_container_path("/x");
    mount->set_selinux_relabel(true);
    std::string id;
    EXPECT_THAT(Create(pod, config, &id),
                RpcFailsWith(grpc::StatusCode::INVALID_ARGUMENT, "/etc is not relabelled"));
  }
}

TEST_F(SelinuxTest, LabelsNothingWhereItIsDisabled) {
  RestartWith(R"({"selinux": "disabled"})");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  Options(config).set_type("nobodys_t");
  EXPECT_THAT(OwnLabel(MustStart(MustRunPod("pod"), config)), HasSubstr(":node_t:"));
}

}  // namespace
}  // namespace trivet::testing
