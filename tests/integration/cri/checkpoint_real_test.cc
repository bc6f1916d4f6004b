#include <cstdlib>

#include "common/base/text.h"
#include "common/linux/command.h"
#include "common/linux/file.h"
#include "cri-runtime/checkpoint/external.h"
#include "tests/integration/cri/checkpoint_test.h"

namespace trivet::testing {
namespace {

// Restores with CRIU itself what was saved, in a root that is put together from the image and the
// archive, and prints the counter twice. $1: where the archive is unpacked; $2: the image's layers;
// $3: CRIU; then each mount that is not the container's own, as "mnt[PLACE]:PLACE".
constexpr const char* kRestore = R"sh(set -e
cd "$1"; layers="$2"; criu="$3"; shift 3
mkdir root folder over; touch file
mount -t tmpfs over over; mkdir over/up over/work
mount -t overlay root -o "lowerdir=$layers,upperdir=over/up,workdir=over/work" root
tar xf rootfs-diff.tar -C root --exclude '.wh.*'
for resource; do
  inside="${resource#mnt[}"; inside="${inside%%]*}"
  case "$inside" in /dev/shm|/sys/*) outside=folder ;; *) outside=file ;; esac
  set -- "$@" --external "mnt[$inside]:$PWD/$outside"; shift
done
exec 5</proc/self/ns/net
"$criu" restore --images-dir checkpoint --work-dir . --log-file restore.log -v4 --restore-detached \
  --pidfile pid --manage-cgroups=ignore --file-locks --ext-unix-sk --root "$PWD/root" \
  --inherit-fd 'fd[5]:pod' "$@" || { grep Error restore.log; exit 1; }
first="$(cat "/proc/$(cat pid)/root/count")"; sleep 1
echo "$first $(cat "/proc/$(cat pid)/root/count")"
kill -9 "$(cat pid)"
umount root over
)sh";

// With the real CRIU, on a kernel that it knows.
class RealCheckpointTest : public CheckpointTestBase {
 protected:
  void SetUp() override {
    CheckpointTestBase::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const char* named = std::getenv("TRIVET_CRIU");
    criu_ = named == nullptr ? "/usr/sbin/criu" : named;
    RestartWith(fmt::format(R"({{"criu": "{}"}})", criu_));
    RememberWhatIsThere();
  }
  v1::ContainerConfig OwnPidsConfig() const {
    v1::ContainerConfig config = CounterConfig("c");
    auto* security = config.mutable_linux()->mutable_security_context();
    security->mutable_namespace_options()->set_pid(v1::CONTAINER);
    return config;
  }
  std::string criu_;
};

TEST_F(RealCheckpointTest, SavesAContainerOfAPodWithOnePidNamespace) {
  const std::string id = MustStart(MustRunPod("pod"), CounterConfig("c"));
  ExpectRunsOn(id);
  ASSERT_THAT(Save(id), IsRpcOk());
  ExpectRunsOn(id);
  EXPECT_TRUE(std::filesystem::exists(Unpack(Archive()) / "checkpoint/pstree.img"));
}

TEST_F(RealCheckpointTest, SavesAPod) {
  const std::string pod = MustRunPod("pod");
  const std::vector<std::string> ids = {MustStart(pod, CounterConfig("a")),
                                        MustStart(pod, OwnPidsConfig())};
  std::filesystem::create_directory(PodFolder());
  ASSERT_THAT(SavePod(pod, ids), IsRpcOk());
  for (const std::string& id : ids) ExpectRunsOn(id);
}

TEST_F(RealCheckpointTest, SavesAContainerWithATerminal) {
  v1::ContainerConfig config = CounterConfig("c");
  config.set_tty(true);
  const std::string id = MustStart(MustRunPod("pod"), config);
  ExpectRunsOn(id);
  ASSERT_THAT(Save(id), IsRpcOk());
  ExpectRunsOn(id);
}

TEST_F(RealCheckpointTest, WhatIsRestoredCountsOn) {
  const std::string id = MustStart(MustRunPod("pod"), OwnPidsConfig());
  ExpectRunsOn(id);
  const std::string mounts = MustExec(id, "cat /proc/self/mountinfo") + "\n";
  ASSERT_THAT(Save(id), IsRpcOk());
  EXPECT_THAT(Stop(id, 0), IsRpcOk());
  const std::filesystem::path saved = Unpack(Archive());
  const auto layers = *ListDirectory(folders_.state / "images/layers");
  const std::filesystem::path layer = folders_.state / "images/layers" / layers.front() / "root";
  std::vector<std::string> args = {
      "-c",
      kRestore,
      "sh",
      saved,
      layer.native() + ":" + (folders_.state / "mount-points").native(),
      criu_};
  for (std::string& mount :
       checkpoint::FindExternalMounts(mounts, *ReadFile("/proc/self/mountinfo"))) {
    args.push_back(std::move(mount));
  }
  const auto ran = RunCommand({.program = "/bin/sh", .args = args});
  ASSERT_TRUE(ran.has_value()) << ran.error().message();
  ASSERT_EQ(ran->exit_code, 0) << ran->out << ran->err;
  const auto counts = SplitWords(ran->out);
  ASSERT_EQ(counts.size(), 2u) << ran->out;
  EXPECT_GT(std::stoi(counts[0]), 0);
  EXPECT_GT(std::stoi(counts[1]), std::stoi(counts[0]));
}

}  // namespace
}  // namespace trivet::testing
