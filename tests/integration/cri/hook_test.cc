#include "tests/integration/cri/hook_fixture.h"

#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/cri/older_shim.h"

namespace trivet::testing {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

// What a hook notes of itself, in files whose names begin with its own.
std::string Note(const std::string& name) {
  std::string text =
      "cat >$OUT/NAME; readlink /proc/self/ns/net >$OUT/NAME.net; readlink /proc/self/ns/mnt "
      ">$OUT/NAME.mnt; env >$OUT/NAME.env; echo NAME >>$OUT/order; "
      "ls /proc/self/fd | wc -l >$OUT/NAME.fds";
  for (size_t at = 0; (at = text.find("NAME", at)) != std::string::npos;) {
    text.replace(at, 4, name);
  }
  return text;
}

// A hook's way to the root, as vendors' go it.
constexpr const char* kFindRoot =
    "b=$(sed 's/.*\"bundle\":\"\\([^\"]*\\)\".*/\\1/'); "
    "r=$(sed 's/.*\"root\":{\"path\":\"\\([^\"]*\\)\".*/\\1/' $b/config.json); ";
constexpr const char* kHang = "touch $OUT/hangs; sleep 300";

class CriHookTest : public HookTest {
 protected:
  // The container's start hangs when it returns.
  std::thread StartInBackground(const std::string& id, grpc::Status* status) {
    std::thread start([=, this] { *status = Start(id); });
    EXPECT_NE(AwaitOut("hangs"), "absent");
    return start;
  }

  static std::string Own(const char* space) {
    return std::filesystem::read_symlink(std::string("/proc/self/ns/") + space).native() + "\n";
  }

  [[nodiscard]] pid_t ShimOf(const std::string& pod) const {
    return std::stoi(*ReadFile(folders_.run / "shims" / pod / "pid"));
  }

  // How many processes have `words` in their command line.
  static int CountProcesses(const std::string& words) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto line = ReadFile(entry.path() / "cmdline");
      if (line && line->find(words) != std::string::npos) ++count;
    }
    return count;
  }
};

TEST_F(CriHookTest, RunsEachWhereAndWhenItBelongs) {
  UseHooks({{"poststop", Note("poststop")},
            {"poststart", Note("poststart")},
            {"createContainer", Note("createContainer")},
            {"createRuntime", Note("createRuntime")},
            {"prestart", Note("prestart")},
            {"startContainer", "cat >/state"}});
  const std::string id = MustStart(MustRunPod("pod"), DeviceConfig());
  EXPECT_THAT(MustExec(id, "cat /state"), HasSubstr(R"("status":"created")"));
  EXPECT_EQ(Out("order"), "prestart\ncreateRuntime\ncreateContainer\npoststart\n");
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_EQ(StateOf("poststop").value("status", ""), "stopped");
  for (const char* name : {"prestart", "createRuntime", "poststart", "poststop"}) {
    EXPECT_EQ(Out(std::string(name) + ".net"), Own("net")) << name;
    EXPECT_EQ(Out(std::string(name) + ".mnt"), Own("mnt")) << name;
  }
  EXPECT_NE(Out("createContainer.net"), Own("net"));
  EXPECT_NE(Out("createContainer.mnt"), Own("mnt"));
  EXPECT_EQ(Out("createRuntime.fds"), Out("createContainer.fds"));
  EXPECT_THAT(Out("createContainer.env"), HasSubstr("OUT="));
  EXPECT_THAT(Out("createContainer.env"), Not(HasSubstr("HOME=")));
}

TEST_F(CriHookTest, FindsTheRootByTheBundleOfItsState) {
  UseHooks(
      {{"createRuntime", Note("createRuntime")},
       {"createContainer", kFindRoot + std::string("test -c $r/dev/null && echo made >$r/made")},
       {"createContainer", Note("createContainer")}});
  v1::ContainerConfig config = DeviceConfig();
  (*config.mutable_annotations())["odd"] = R"("},"bundle":"/elsewhere)";
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, config);
  EXPECT_EQ(MustExec(id, "cat /made"), "made");
  const json::Value state = StateOf("createRuntime");
  EXPECT_EQ(state.value("id", ""), id);
  EXPECT_EQ(state.value("status", ""), "creating");
  EXPECT_GT(state.value("pid", 0), 1);
  EXPECT_EQ(state["annotations"].value("odd", ""), R"("},"bundle":"/elsewhere)");
  EXPECT_EQ(state.value("root", ""), folders_.run / "shims" / pod / "root");
  const std::string bundle = state.value("bundle", "");
  EXPECT_EQ(bundle, folders_.state / "upper" / id / "bundle");
  const auto bundle_config = json::Parse(ReadFile(bundle + "/config.json").value_or(""));
  ASSERT_TRUE(bundle_config.has_value());
  EXPECT_EQ((*bundle_config)["root"].value("path", ""), state.value("root", ""));
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_FALSE(std::filesystem::exists(bundle));
}

TEST_F(CriHookTest, FailsTheStartWithWhatTheHookSaid) {
  UseHooks({{"createContainer", "echo no driver >&2; exit 3"}, {"poststop", Note("poststop")}});
  const std::string id = MustCreate(MustRunPod("pod"), DeviceConfig());
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::INTERNAL,
                                      "hook createContainer /bin/sh: exit status 3: no driver"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(StatusOf(id).exit_code(), 128);
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_EQ(StateOf("poststop").value("id", ""), id);
}

TEST_F(CriHookTest, EndsAContainerWhoseHookAfterTheStartFails) {
  UseHooks({{"poststart", "exit 1"}, {"poststart", Note("second")}, {"poststop", "exit 1"}});
  const std::string id = MustCreate(MustRunPod("pod"), DeviceConfig());
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::INTERNAL, "hook poststart /bin/sh: exit status 1"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(Out("second"), "absent");
  EXPECT_THAT(Remove(id), IsRpcOk());
}

TEST_F(CriHookTest, EndsAHookThatTakesTooLongAndServesOthersMeanwhile) {
  UseHooks({{"createRuntime", kHang}}, 2);
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, DeviceConfig());
  grpc::Status status;
  std::thread start = StartInBackground(id, &status);
  MustStart(pod, ShellConfig("other", "sleep 1000"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_CREATED);
  start.join();
  EXPECT_THAT(status, RpcFailsWith(grpc::DEADLINE_EXCEEDED, "did not end within 2000 ms"));
}

TEST_F(CriHookTest, TakesTheProgramOfTheNodeAndNotOfTheContainer) {
  UseHooks({{"createContainer", "exit 0"}}, 20, "/bin/busybox-of-the-image");
  const std::string id = MustCreate(MustRunPod("pod"), DeviceConfig());
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::NOT_FOUND, "busybox-of-the-image"));
}

TEST_F(CriHookTest, TellsOfAnEndAfterTheStart) {
  UseHooks({{"poststart", "sleep 0.3"}});
  const std::string id = MustCreate(MustRunPod("pod"), DeviceConfig("exit 7"));
  EXPECT_THAT(Start(id), IsRpcOk());
  EXPECT_EQ(AwaitEnd(id).exit_code(), 7);
}

TEST_F(CriHookTest, RunsInAPodWithTheNodesNamespaces) {
  UseHooks({{"createContainer", Note("createContainer") + "; echo $$ >$OUT/pid"},
            {"startContainer", "readlink /proc/self/ns/pid >/pid-space"}});
  v1::PodSandboxConfig config = PodConfig("pod");
  config.clear_hostname();
  auto* options = config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
  options->set_network(v1::NODE);
  options->set_pid(v1::NODE);
  options->set_ipc(v1::NODE);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  v1::ContainerConfig container = DeviceConfig();
  *container.mutable_linux()->mutable_security_context()->mutable_namespace_options() = *options;
  const std::string id = MustStart(pod, container);
  EXPECT_EQ(Out("createContainer.net"), Own("net"));
  EXPECT_NE(Out("createContainer.mnt"), Own("mnt"));
  EXPECT_EQ(MustExec(id, "cat /pid-space") + "\n", Own("pid"));
}

TEST_F(CriHookTest, RunsInAPodThatSharesItsPidNamespace) {
  UseHooks({{"createContainer", "cat >$OUT/state; readlink /proc/self/ns/pid >$OUT/pid-space"}});
  const std::string pod = MustRunPod("pod");
  MustStart(pod, ShellConfig("first", "sleep 1000"));
  const std::string id =
      MustStart(pod, DeviceConfig("readlink /proc/self/ns/pid; echo $$; sleep 1000"));
  EXPECT_EQ(MustExec(id, "readlink /proc/self/ns/pid") + "\n", Out("pid-space"));
  const int pid = StateOf("state").value("pid", 0);
  EXPECT_GT(pid, 1);
  AwaitLog(id, "F " + std::to_string(pid));
}

TEST_F(CriHookTest, SaysWhichHookAPodWithAUserNamespaceCannotHave) {
  v1::PodSandboxConfig config = PodConfig("pod");
  auto* user = config.mutable_linux()
                   ->mutable_security_context()
                   ->mutable_namespace_options()
                   ->mutable_userns_options();
  user->set_mode(v1::POD);
  for (auto* mapping : {user->add_uids(), user->add_gids()}) {
    mapping->set_host_id(200000);
    mapping->set_length(65536);
  }
  UseHooks({{"createContainer", "true"}});
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  v1::ContainerConfig container = DeviceConfig();
  *container.mutable_linux()->mutable_security_context()->mutable_namespace_options() =
      config.linux().security_context().namespace_options();
  std::string id;
  EXPECT_THAT(
      Create(pod, container, &id),
      RpcFailsWith(grpc::UNIMPLEMENTED, "createContainer: not in a pod with a user namespace"));

  UseHooks({{"createRuntime", Note("createRuntime")}, {"startContainer", "id -u >/user"}});
  EXPECT_EQ(MustExec(MustStart(pod, container), "cat /user"), "0");
  EXPECT_EQ(Out("createRuntime.net"), Own("net"));
}

// What ends the container, by the name of a call.
class CriHangingHookTest : public CriHookTest, public ::testing::WithParamInterface<std::string> {
 protected:
  grpc::Status Call(const std::string& pod, const std::string& id) {
    if (GetParam() == "StopContainer") return Stop(id, 30);
    if (GetParam() == "RemoveContainer") return Remove(id);
    return GetParam() == "StopPodSandbox" ? StopPod(pod) : RemovePod(pod);
  }
};

TEST_P(CriHangingHookTest, DoesNotHoldUp) {
  for (const char* name : {"createContainer", "poststart"}) {
    std::filesystem::remove(folder_ / "bin/out/hangs");
    UseHooks({{name, kHang}}, 300);
    const std::string pod = MustRunPod(std::string("pod-") + name);
    const std::string id = MustCreate(pod, DeviceConfig());
    grpc::Status status;
    std::thread start = StartInBackground(id, &status);
    const auto before = steady_clock::now();
    EXPECT_THAT(Call(pod, id), IsRpcOk());
    EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(8)) << name;
    start.join();
    EXPECT_THAT(status, RpcFailsWith(grpc::ABORTED, "was killed")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, CriHangingHookTest,
                         ::testing::Values("StopContainer", "RemoveContainer", "StopPodSandbox",
                                           "RemovePodSandbox"),
                         [](const auto& call) { return call.param; });

TEST_F(CriHookTest, EndsWithTheShimThatIsKilled) {
  UseHooks({{"createRuntime", "touch $OUT/hangs; exec sleep 30$((300 + 13))"}}, 300);
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, DeviceConfig());
  grpc::Status status;
  std::thread start = StartInBackground(id, &status);
  ASSERT_EQ(::kill(ShimOf(pod), SIGKILL), 0);
  start.join();
  EXPECT_THAT(status, RpcFailsWith(grpc::UNAVAILABLE, "is gone"));
  EXPECT_EQ(AwaitEnd(id).exit_code(), 128);
  EXPECT_EQ(CountProcesses(std::string("sleep\0"
                                       "30313",
                                       11)),
            0);
}

TEST_F(CriHookTest, GoesOnWhenTheDaemonIsKilled) {
  UseHooks({{"createContainer", "touch $OUT/hangs; while [ ! -e $OUT/go ]; do sleep 0.05; done; " +
                                    std::string(kFindRoot) + "echo made >$r/made"}});
  const std::string id = MustCreate(MustRunPod("pod"), DeviceConfig());
  grpc::Status status;
  std::thread start = StartInBackground(id, &status);
  daemon_->Kill();
  start.join();
  EXPECT_FALSE(status.ok());
  StartDaemon();
  v1::ExecSyncResponse response;
  EXPECT_THAT(Exec(id, {"/bin/sh", "-c", "ls /"}, &response),
              RpcFailsWith(grpc::FAILED_PRECONDITION, "not running"));
  folder_.Fill({{"bin/out/go", ""}});
  EXPECT_THAT(Start(id), IsRpcOk());  // the kubelet's retry
  const auto deadline = steady_clock::now() + std::chrono::seconds(10);
  while (!Exec(id, {"/bin/cat", "/made"}, &response).ok() && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(response.stdout(), "made\n");
}

TEST_F(CriHookTest, IsRefusedWhereTheShimIsOfAnEarlierVersion) {
  UseHooks({{"createContainer", "true"}});
  const std::string pod = MustRunPod("pod");
  daemon_->Kill();
  const OlderShim shim(folders_.run / "shims" / pod, 2);
  StartDaemon();
  std::string id;
  EXPECT_THAT(Create(pod, DeviceConfig(), &id),
              RpcFailsWith(grpc::UNIMPLEMENTED, "this pod's shim is of an earlier version"));
  EXPECT_EQ(PodStatusOf(pod).state(), v1::SANDBOX_READY);
  EXPECT_THAT(RemovePod(pod), IsRpcOk());
}

}  // namespace
}  // namespace trivet::testing
