#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "tests/integration/cri/hook_fixture.h"
#include "tests/testing/oci_layout.h"

namespace trivet::testing {
namespace {

/// Images, requests and containers that try what others have got out by. docs/security.md has the
/// list.
class CriAttackTest : public HookTest {
 protected:
  /// What a hostile image adds to busybox.
  struct Hostile {
    TarFile layer;
    json::Value config = json::Value::object();
  };

  grpc::Status Import(const Hostile& hostile) {
    OciLayout layout;
    layout.Add({.layers = {Busybox(), LayerBlob::Gzip(hostile.layer)}, .config = hostile.config});
    layout.WriteFolder(folder_ / "hostile");
    v1::PullImageRequest request;
    request.mutable_image()->set_image("oci:" + (folder_ / "hostile").native());
    v1::PullImageResponse response;
    grpc::ClientContext context;
    auto status = daemon_->images().PullImage(&context, request, &response);
    std::filesystem::remove_all(folder_ / "hostile");
    if (status.ok()) image_id_ = response.image_ref();
    return status;
  }

  /// Creates and starts; the status of what failed first.
  grpc::Status TryToStart(const v1::ContainerConfig& config) {
    std::string id;
    auto status = Create(MustRunPod("pod"), config, &id);
    return status.ok() ? Start(id) : status;
  }

  /// A path that leads from anywhere in a container to `path` of the node, if links could.
  static std::string Outward(const std::filesystem::path& path) {
    return std::string("../../../../../../../..") + path.native();
  }

  std::filesystem::path MakeSecret() {
    folder_.Fill({{"logs/secret/file", "secret"}});
    return LogFolder() / "secret";
  }

 private:
  static LayerBlob Busybox() {
    const std::filesystem::path folder =
        std::filesystem::path(std::getenv("TRIVET_SOURCE_DIR")) / "build/images/busybox";
    const auto blob = [&](const json::Value& descriptor) {
      const auto digest = descriptor["digest"].get<std::string>();
      return *ReadFile(folder / "blobs/sha256" / digest.substr(digest.find(':') + 1), 64 << 20);
    };
    const json::Value index = *json::Parse(*ReadFile(folder / "index.json"));
    const json::Value manifest = *json::Parse(blob(index["manifests"][0]));
    const json::Value config = *json::Parse(blob(manifest["config"]));
    return {.media_type = manifest["layers"][0]["mediaType"],
            .blob = blob(manifest["layers"][0]),
            .diff_id = config["rootfs"]["diff_ids"][0]};
  }
};

// CVE-2026-41579, CVE-2026-47766; for /proc CVE-2019-19921, CVE-2023-27561.
TEST_F(CriAttackTest, StartsNoImageWhoseMountPointsAreLinks) {
  for (const char* name : {"dev", "proc", "sys"}) {
    Hostile hostile;
    hostile.layer.Symlink(name, "/etc");
    ASSERT_THAT(Import(hostile), IsRpcOk());
    EXPECT_THAT(TryToStart(ShellConfig(name, "true")),
                RpcFailsWith(grpc::INVALID_ARGUMENT, std::string("mount /") + name));
  }
}

// CVE-2024-5154: the files that the runtime gives a container, by links in the image.
TEST_F(CriAttackTest, WritesNoFileThroughTheLinksOfAnImage) {
  const std::filesystem::path secret = MakeSecret();
  Hostile hostile;
  for (const char* name : {"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}) {
    hostile.layer.Symlink(name, Outward(secret / "file"));
  }
  hostile.layer.Symlink("home/app", Outward(secret / "made"));
  hostile.config["WorkingDir"] = "/home/app/below";
  ASSERT_THAT(Import(hostile), IsRpcOk());

  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));

  EXPECT_EQ(*ReadFile(secret / "file"), "secret");
  EXPECT_FALSE(*IsMountPoint(secret / "file"));
  EXPECT_FALSE(std::filesystem::exists(secret / "made"));
  EXPECT_EQ(MustExec(id, "pwd"), (secret / "made/below").native());  // in the container's root
}

// CVE-2022-23648.
TEST_F(CriAttackTest, CopiesNothingOfTheNodeIntoAVolumeOfAnImage) {
  const std::filesystem::path secret = MakeSecret();
  Hostile hostile;
  hostile.layer.Symlink("data", Outward(secret));
  hostile.config["Volumes"]["/data"] = json::Value::object();
  ASSERT_THAT(Import(hostile), IsRpcOk());
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(MustExec(id, "ls -A /data/ 2>/dev/null | wc -l"), "0");

  hostile.config["Volumes"]["/../../etc"] = json::Value::object();
  EXPECT_THAT(Import(hostile), RpcFailsWith(grpc::INVALID_ARGUMENT, "olumes"));
}

// A hook of a CDI device has the node's rights, and goes where its state leads it.
TEST_F(CriAttackTest, LeadsNoHookToAnotherRoot) {
  const std::filesystem::path secret = MakeSecret();
  Hostile hostile;
  hostile.layer.Symlink("run", Outward(folders_.run)).Symlink("made", Outward(secret / "file"));
  hostile.layer.File("config.json", R"({"root": {"path": "/"}})");
  hostile.config["Env"] = {R"(A="}}, "root": {"path": "/"}, "x": {"y": ")"};
  hostile.config["WorkingDir"] = R"(/"}, "root": {"path": "/"}, "x": {"y": ")";
  ASSERT_THAT(Import(hostile), IsRpcOk());
  UseHooks({{"createContainer",
             "cat >$OUT/state; b=$(grep -o '\"bundle\":\"[^\"]*' $OUT/state | cut -c11-); "
             "cp $b/config.json $OUT; ls -d $b/../fs >$OUT/fs"}});
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, DeviceConfig());
  const std::filesystem::path root = folders_.run / "shims" / pod / "root";
  EXPECT_EQ(StateOf("state").value("root", ""), root);
  EXPECT_EQ(StateOf("state").value("bundle", ""), folders_.state / "upper" / id / "bundle");
  EXPECT_EQ(StateOf("config.json")["root"].value("path", ""), root);
  EXPECT_EQ(StateOf("config.json")["process"].value("cwd", ""),
            hostile.config["WorkingDir"].get<std::string>());
  EXPECT_EQ(*ReadFile(secret / "file"), "secret");
}

// CVE-2023-25153.
TEST_F(CriAttackTest, ImportsNoImageAboveTheLimitsOfTheConfiguration) {
  RestartWith(R"({"imageEntriesLimit": 2})");
  Hostile hostile;
  hostile.layer.File("a", "").File("b", "");
  EXPECT_THAT(Import(hostile), IsRpcOk());
  hostile.layer.File("c", "");
  EXPECT_THAT(Import(hostile),
              RpcFailsWith(grpc::RESOURCE_EXHAUSTED, "more than 2 entries (imageEntriesLimit)"));
}

// Where a file of the node's accounts is read, too: what is there may do anything when it is
// opened.
TEST_F(CriAttackTest, OpensNoDeviceThatAnImageBrings) {
  constexpr uint32_t kNoDriver = 0xffe;  // opening it would be an error
  Hostile hostile;
  hostile.layer.Node('3', "null", 1, 3, {.mode = 0666})
      .Node('3', "dev/null", 1, 1, {.mode = 0666})
      .Node('4', "etc/passwd", kNoDriver, 1, {.mode = 0666});
  ASSERT_THAT(Import(hostile), IsRpcOk());

  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(MustExec(id, "sh -c 'echo x >/null' 2>&1 | grep -c 'Permission denied'"), "1");
  EXPECT_EQ(MustExec(id, "stat -c %t:%T /dev/null"), "1:3");

  v1::PodSandboxConfig pod = PodConfig("privileged");
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  std::string pod_id;
  std::string privileged_id;
  ASSERT_THAT(RunPod(pod, &pod_id), IsRpcOk());
  auto privileged = ShellConfig("p", "sleep 1000");
  privileged.mutable_linux()->mutable_security_context()->set_privileged(true);
  EXPECT_THAT(Create(pod_id, privileged, &privileged_id), IsRpcOk());
}

// CVE-2024-21626, by the image.
TEST_F(CriAttackTest, EntersNoDescriptorAsAWorkingDirectory) {
  int number = 0;
  for (const char* path : {"/proc/self/fd/7", "/proc/self/fd/8/../..", "/proc/1/cwd"}) {
    Hostile hostile;
    hostile.config["WorkingDir"] = path;
    const grpc::Status imported = Import(hostile);
    if (!imported.ok()) continue;  // refused as soon as it came
    EXPECT_FALSE(TryToStart(ShellConfig("c" + std::to_string(number++), "true")).ok()) << path;
  }
}

// CVE-2024-40635.
TEST_F(CriAttackTest, ImportsNoImageWhoseUserIsOutOfRange) {
  for (const char* user : {"2147483648", "4294967296", "1000:4294967296", "-1", "+0"}) {
    Hostile hostile;
    hostile.config["User"] = user;
    EXPECT_THAT(Import(hostile), RpcFailsWith(grpc::INVALID_ARGUMENT, "config: User")) << user;
  }
}

// CVE-2026-46680.
TEST_F(CriAttackTest, RunsAsTheNumberThatSomebodyIsNamedBy) {
  Hostile hostile;
  hostile.layer.File("etc/passwd", "1000:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n");
  hostile.config["User"] = "1000";
  ASSERT_THAT(Import(hostile), IsRpcOk());
  const std::string pod = MustRunPod("pod");
  EXPECT_EQ(MustExec(MustStart(pod, ShellConfig("image", "sleep 1000")), "id -u"), "1000");

  v1::ContainerConfig config = ShellConfig("request", "true");
  config.mutable_linux()->mutable_security_context()->set_run_as_username("4294967296");
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "out of range"));
}

// CVE-2022-4318.
TEST_F(CriAttackTest, WritesNoEnvironmentIntoTheAccounts) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* home = config.add_envs();
  home->set_key("HOME");
  home->set_value("/x:/bin/sh\nevil:x:0:0::/:/bin/sh");
  config.mutable_linux()->mutable_security_context()->mutable_run_as_user()->set_value(4711);
  const std::string id = MustStart(MustRunPod("pod"), config);
  EXPECT_EQ(MustExec(id, "grep -c -e evil -e 4711 /etc/passwd || true"), "0");
}

// CVE-2022-0811.
TEST_F(CriAttackTest, SetsNoSysctlBesideTheOneThatIsNamed) {
  const std::string before = *ReadFile("/proc/sys/kernel/core_pattern");
  for (const char* value : {"1+kernel.core_pattern=|/evil", "1\nkernel.core_pattern=|/evil"}) {
    v1::PodSandboxConfig config = PodConfig("pod");
    (*config.mutable_linux()->mutable_sysctls())["kernel.shm_rmid_forced"] = value;
    std::string id;
    EXPECT_FALSE(RunPod(config, &id).ok()) << value;
  }
  EXPECT_EQ(*ReadFile("/proc/sys/kernel/core_pattern"), before);
}

// CVE-2024-3154, CVE-2026-53488: only the request's fields decide.
TEST_F(CriAttackTest, TakesNoAnnotationAndNoLabelAsASetting) {
  Hostile hostile;
  hostile.config["Labels"] = {{"io.kubernetes.cri.privileged", "true"},
                              {"io.trivet.privileged", "true"}};
  ASSERT_THAT(Import(hostile), IsRpcOk());
  v1::PodSandboxConfig pod_config = PodConfig("pod");
  (*pod_config.mutable_annotations())["org.systemd.property.ExecStartPre"] = "'/evil'";
  (*pod_config.mutable_annotations())["io.kubernetes.cri-o.userns-mode"] = "auto";
  std::string pod;
  ASSERT_THAT(RunPod(pod_config, &pod), IsRpcOk());
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  (*config.mutable_annotations())["run.oci.keep_original_groups"] = "1";

  const std::string id = MustStart(pod, config);

  EXPECT_EQ(StatusOf(id).labels_size(), 0);
  EXPECT_EQ(StatusOf(id).annotations_size(), 1);
  EXPECT_EQ(MustExec(id, "sed -n 's/^CapEff:[\\t ]*//p' /proc/self/status"), "00000000a80425fb");
}

// CVE-2024-25621, CVE-2020-15257.
TEST_F(CriAttackTest, KeepsItsFoldersAndSocketsToRoot) {
  MustRunPod("pod");
  const auto mode = [](const std::filesystem::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  };
  for (const auto& folder : {folders_.state, folders_.run, folders_.run / "shims"}) {
    EXPECT_EQ(mode(folder), 0700U) << folder;
  }
  EXPECT_EQ(mode(folders_.run / "cri.sock"), 0600U);
  for (const auto& shim : std::filesystem::directory_iterator(folders_.run / "shims")) {
    EXPECT_EQ(mode(shim.path() / "sock"), 0600U);
  }
}

// CVE-2021-43816.
TEST_F(CriAttackTest, RelabelsNoFileOfTheNode) {
  const std::filesystem::path secret = MakeSecret();
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_host_path((secret / "file").native());
  mount->set_container_path("/etc/hosts");
  MustStart(MustRunPod("pod"), config);
  EXPECT_LT(::getxattr((secret / "file").c_str(), "security.selinux", nullptr, 0), 0);
}

// CVE-2021-30465: one container swaps the mount point of the next one for a link, all the time.
TEST_F(CriAttackTest, MountsInsideWhileAnotherContainerSwapsTheMountPoint) {
  const std::filesystem::path outside = folder_ / "logs/outside";
  folder_.Fill({{"logs/outside/file", "outside"}, {"logs/shared/point/.keep", ""}});
  const std::string pod = MustRunPod("pod");
  const auto with_shared = [&](v1::ContainerConfig config) {
    auto* shared = config.add_mounts();
    shared->set_host_path((LogFolder() / "shared").native());
    shared->set_container_path("/shared");
    return config;
  };
  MustStart(pod, with_shared(ShellConfig("attacker", "cd /shared && ln -s " + Outward(outside) +
                                                         " link && while true; do mv point kept; "
                                                         "mv link point; mv point link; "
                                                         "mv kept point; done")));
  for (int round = 0; round < 20; ++round) {
    v1::ContainerConfig victim =
        with_shared(ShellConfig("victim" + std::to_string(round), "touch /shared/point/x"));
    auto* data = victim.add_mounts();
    data->set_host_path((folder_ / "logs/shared").native());
    data->set_container_path("/shared/point");
    std::string id;
    ASSERT_THAT(Create(pod, victim, &id), IsRpcOk());
    static_cast<void>(Start(id));  // that it may fail is not the point
    EXPECT_THAT(Remove(id), IsRpcOk());
  }
  EXPECT_FALSE(*IsMountPoint(outside));
  EXPECT_FALSE(std::filesystem::exists(outside / "x"));
  EXPECT_FALSE(std::filesystem::exists(outside / ".keep"));
}

}  // namespace
}  // namespace trivet::testing
