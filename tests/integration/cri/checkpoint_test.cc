#include "tests/integration/cri/checkpoint_test.h"

#include <sys/stat.h>

#include <fstream>
#include <future>
#include <thread>

#include "common/base/json.h"
#include "common/linux/file.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Leaves on disk what CRIU does, and notes how it was called and which groups stand still. It
// waits while "hang" is there, and fails where "fail" is.
constexpr const char* kCriu = R"sh(#!/bin/sh
here="$(dirname "$0")"
echo "$@" >>"$here/calls"
while [ $# -gt 0 ]; do
  case "$1" in
    --images-dir) images="$2" ;;
    --work-dir) work="$2" ;;
    --freeze-cgroup) freezer="$2" ;;
  esac
  shift
done
for group in "${freezer%/*}"/*/; do
  if [ -e "$group/freezer.state" ]; then cat "$group/freezer.state" >>"$images/pages-1.img"
  elif grep -q 'frozen 1' "$group/cgroup.events"; then echo FROZEN >>"$images/pages-1.img"
  fi
done
touch "$work/stats-dump"
echo '(00.1) Error (criu/util.c:1534): rlimit: no matter' >"$work/dump.log"
touch "$here/runs"
while [ -e "$here/hang" ]; do sleep 0.01; done
rm "$here/runs"
[ -e "$here/fail" ] && echo '(00.2) Error (criu/tty.c:1): tty: what ails it' >>"$work/dump.log" && exit 1
exit 0
)sh";

class CheckpointTest : public CheckpointTestBase {
 protected:
  void SetUp() override {
    CheckpointTestBase::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    folder_.Fill({{"bin/criu", kCriu}});
    ASSERT_EQ(::chmod(Criu().c_str(), 0755), 0);
    RestartWith(fmt::format(R"({{"criu": "{}"}})", Criu().native()));
    RememberWhatIsThere();
  }

  [[nodiscard]] std::filesystem::path Criu() const { return folder_ / "bin/criu"; }
  void Mark(const std::string& name) const { std::ofstream(folder_ / "bin" / name) << "1"; }
  void Unmark(const std::string& name) const { std::filesystem::remove(folder_ / "bin" / name); }
  void AwaitRunning() const {
    while (!std::filesystem::exists(folder_ / "bin/runs")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::string StartCounter(const std::string& pod, const std::string& name) {
    const std::string id = MustStart(pod, CounterConfig(name));
    ExpectRunsOn(id);
    return id;
  }
};

TEST_F(CheckpointTest, WithoutCriuItIsNotImplemented) {
  RestartWith(R"({"criu": "/usr/sbin/no-criu"})");
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  std::filesystem::create_directory(PodFolder());
  const auto refused =
      RpcFailsWith(grpc::UNIMPLEMENTED, "checkpoints need CRIU, and /usr/sbin/no-criu is not");
  EXPECT_THAT(Save(id), refused);
  EXPECT_THAT(SavePod(pod, {id}), refused);
}

TEST_F(CheckpointTest, SavesAFrozenContainerWithWhatItChanged) {
  const std::string id = StartCounter(MustRunPod("pod"), "c");
  ASSERT_THAT(Save(id), IsRpcOk());
  ExpectRunsOn(id);
  const std::filesystem::path saved = Unpack(Archive());
  EXPECT_EQ(*ReadFile(saved / "checkpoint/pages-1.img"), "FROZEN\n");
  EXPECT_TRUE(std::filesystem::exists(saved / "diff/count"));
  EXPECT_TRUE(std::filesystem::exists(saved / "diff/bin/.wh.true"));
  EXPECT_EQ((*json::Parse(*ReadFile(saved / "config.dump")))["id"], id);
  EXPECT_EQ((*json::Parse(*ReadFile(saved / "spec.dump")))["process"]["args"][0], "/bin/sh");
}

TEST_F(CheckpointTest, WhatItChangedIsALayerOfAnImage) {
  v1::ContainerConfig config = ShellConfig(
      "c",
      "rm -r /root; mkdir /root; echo 1 >/one; ln /one /two; ln -s one /link; mkfifo /pipe; "
      "echo ready; sleep 1000");
  const std::string id = MustStart(MustRunPod("pod"), config);
  AwaitLog(id, "ready");
  ASSERT_THAT(Save(id), IsRpcOk());
  const std::filesystem::path diff = Unpack(Archive()) / "diff";
  EXPECT_TRUE(std::filesystem::exists(diff / "root/.wh..wh..opq"));
  EXPECT_TRUE(std::filesystem::equivalent(diff / "one", diff / "two"));
  EXPECT_EQ(std::filesystem::read_symlink(diff / "link"), "one");
  EXPECT_TRUE(std::filesystem::is_fifo(diff / "pipe"));
  EXPECT_EQ(*ReadFile(diff / "two"), "1\n");
}

TEST_F(CheckpointTest, TellsCriuWhatIsNotTheContainersOwn) {
  v1::ContainerConfig config = CounterConfig("c");
  auto* mount = config.add_mounts();
  mount->set_host_path(LogFolder());
  mount->set_container_path("/a b");
  const std::string id = MustStart(MustRunPod("pod"), config);
  ASSERT_THAT(Save(id), IsRpcOk());
  const std::string calls = *ReadFile(folder_ / "bin/calls");
  for (const char* resource :
       {"mnt[/a b]:/a b", "mnt[/etc/hosts]:/etc/hosts", "mnt[/dev/shm]:/dev/shm", "net[", "pid["}) {
    EXPECT_THAT(calls, HasSubstr(std::string("--external ") + resource));
  }
  EXPECT_THAT(calls, Not(HasSubstr("mnt[/proc]")));
}

TEST_F(CheckpointTest, AFailureIsInCriusWordsAndLeavesNothing) {
  const std::string id = StartCounter(MustRunPod("pod"), "c");
  Mark("fail");
  EXPECT_THAT(Save(id),
              RpcFailsWith(grpc::FAILED_PRECONDITION, "criu exits with 1: tty: what ails it"));
  ExpectRunsOn(id);
  EXPECT_FALSE(std::filesystem::exists(Archive()));
}

TEST_F(CheckpointTest, AtItsDeadlineTheContainerRunsOn) {
  const std::string id = StartCounter(MustRunPod("pod"), "c");
  Mark("hang");
  EXPECT_THAT(Save(id, 1), RpcFailsWith(grpc::DEADLINE_EXCEEDED, "criu: no end"));
  ExpectRunsOn(id);
}

TEST_F(CheckpointTest, AKilledDaemonLeavesNoContainerFrozen) {
  const std::string id = StartCounter(MustRunPod("pod"), "c");
  Mark("hang");
  auto call = std::async(std::launch::async, [&] { return Save(id); });
  AwaitRunning();
  daemon_->Kill();
  EXPECT_EQ(call.get().error_code(), grpc::UNAVAILABLE);
  StartDaemon();  // CRIU is still at work: it freezes the group once more at its end
  EXPECT_THAT(Save(id), RpcFailsWith(grpc::ABORTED, "another checkpoint"));
  Unmark("hang");
  ExpectRunsOn(id);
  while (!std::filesystem::is_empty(folders_.state / "checkpoints")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_THAT(Save(id), IsRpcOk());
}

TEST_F(CheckpointTest, RefusesWhatDoesNotRun) {
  const std::string id = MustCreate(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(Save(id), RpcFailsWith(grpc::FAILED_PRECONDITION, "does not run"));
  EXPECT_THAT(Save("nobody"), RpcFailsWith(grpc::NOT_FOUND, "nobody"));
}

TEST_F(CheckpointTest, SavesAPodAtOneInstant) {
  const std::string pod = MustRunPod("pod");
  const std::vector<std::string> ids = {StartCounter(pod, "a"), StartCounter(pod, "b")};
  std::filesystem::create_directory(PodFolder());
  ASSERT_THAT(SavePod(pod, ids), IsRpcOk());
  for (const std::string& id : ids) {
    ExpectRunsOn(id);
    const std::filesystem::path saved = Unpack(PodFolder() / (id + ".tar"));
    EXPECT_EQ(*ReadFile(saved / "checkpoint/pages-1.img"), "FROZEN\nFROZEN\n");
  }
  const json::Value options = *json::Parse(*ReadFile(PodFolder() / "pod.options"));
  EXPECT_EQ(options["containers"]["b"], ids[1]);
  EXPECT_TRUE(std::filesystem::exists(PodFolder() / "pod.dump"));
}

TEST_F(CheckpointTest, AFailedPodLeavesItsFolderEmpty) {
  const std::string pod = MustRunPod("pod");
  const std::vector<std::string> ids = {StartCounter(pod, "a"), StartCounter(pod, "b")};
  std::filesystem::create_directory(PodFolder());
  Mark("fail");
  EXPECT_THAT(SavePod(pod, ids), RpcFailsWith(grpc::FAILED_PRECONDITION, "what ails it"));
  EXPECT_TRUE(std::filesystem::is_empty(PodFolder()));
  for (const std::string& id : ids) ExpectRunsOn(id);
}

TEST_F(CheckpointTest, RefusesAPodsRequestThatIsWrong) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  const std::string other = MustStart(MustRunPod("other"), ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(SavePod(pod, {id}), RpcFailsWith(grpc::NOT_FOUND, "output_path"));
  std::filesystem::create_directory(PodFolder());
  const auto wrong = [](const char* words) { return RpcFailsWith(grpc::INVALID_ARGUMENT, words); };
  EXPECT_THAT(SavePod(pod, {}), wrong("container_ids: missing"));
  EXPECT_THAT(SavePod(pod, {id, id}), wrong("is there twice"));
  EXPECT_THAT(SavePod(pod, {id, other}), wrong("is of another sandbox"));
  EXPECT_THAT(SavePod(pod, {id}, {{"tcp-close", "1"}}), wrong("options: unexpected \"tcp-close\""));
  EXPECT_THAT(SavePod("nobody", {id}), RpcFailsWith(grpc::NOT_FOUND, "nobody"));
  EXPECT_TRUE(std::filesystem::is_empty(PodFolder()));
  std::ofstream(PodFolder() / "mine") << "1";
  EXPECT_THAT(SavePod(pod, {id}), wrong("is not empty"));
  EXPECT_TRUE(std::filesystem::exists(PodFolder() / "mine"));
}

TEST_F(CheckpointTest, ReadsNothingBack) {
  v1::RestorePodResponse response;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().RestorePod(&context, {}, &response),
              RpcFailsWith(grpc::UNIMPLEMENTED, "written, not read back"));
}

}  // namespace
}  // namespace trivet::testing
