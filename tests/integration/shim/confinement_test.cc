#include <fcntl.h>
#include <linux/audit.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/linux/bare_mounts.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// What a hostile image or program must not reach. Rows of research "Security history".
class ConfinementTest : public testing::ShimTest {};

// Whatever the shim was told, by the daemon or by its unit.
TEST_F(ConfinementTest, LetsContainersUseAllProcessorsOfTheirCpuset) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "needs two processors";
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  StartPod();
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
  const std::string own = "sed -n 's/^Cpus_allowed:[\t ]*//p' /proc/self/status";
  const std::string expected = *ReadFile("/proc/self/status");
  const auto outcome = Run(own);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(expected, HasSubstr("\nCpus_allowed:\t" + outcome->out));
}

TEST_F(ConfinementTest, LoadsTheSeccompFilterWithNoNewPrivileges) {
  StartPod();
  const auto outcome = Run("grep Seccomp: /proc/self/status; mkdir /tmp/x", [](Setup& setup) {
    setup.spec.process.no_new_privs = true;
    setup.spec.process.seccomp_bpf = FilterAgainst(SYS_mkdir, SECCOMP_RET_ERRNO | EPERM);
  });
  EXPECT_THAT(outcome->out, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(outcome->out, HasSubstr("Operation not permitted"));
}

TEST_F(ConfinementTest, LoadsTheSeccompFilterForAnotherUserWithoutNoNewPrivileges) {
  StartPod();
  const auto outcome = Run("grep Seccomp: /proc/self/status; mkdir /tmp/x", [](Setup& setup) {
    setup.spec.process.uid = 1000;
    setup.spec.process.seccomp_bpf = FilterAgainst(SYS_mkdir, SECCOMP_RET_ERRNO | EPERM);
  });
  EXPECT_THAT(outcome->out, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(outcome->out, HasSubstr("Operation not permitted"));
}

TEST_F(ConfinementTest, MasksFilesAndFolders) {
  StartPod();
  const auto outcome =
      Run("cat /proc/keys | wc -c; ls /proc/bus | wc -l; ls /etc/secret | wc -l; "
          "cat /etc/shadow | wc -c; touch /etc/secret/x 2>&1",
          [](Setup& setup) {
            std::filesystem::create_directories(setup.root / "etc/secret/inner");
            ASSERT_THAT(WriteFileVolatile(setup.root / "etc/shadow", "secret"), IsOk());
            setup.spec.masked_paths = {"/proc/keys", "/proc/bus", "/etc/secret", "/etc/shadow",
                                       "/proc/absent"};
          });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("0\n0\n0\n0\n"));
  EXPECT_THAT(outcome->out, HasSubstr("Read-only file system"));
}

// Whoever started the daemon may keep secrets in the keyring of its session, which children
// inherit.
TEST_F(ConfinementTest, KeepsTheKeysOfTheShimsSessionFromContainers) {
  constexpr uint32_t kPossessorOnly = 0x3f000000;
  ASSERT_GE(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr), 0);
  const long key =
      ::syscall(SYS_add_key, "user", "of-the-node", "secret", 6, KEY_SPEC_SESSION_KEYRING);
  ASSERT_GE(key, 0);
  ASSERT_EQ(::syscall(SYS_keyctl, KEYCTL_SETPERM, key, kPossessorOnly), 0);
  ASSERT_THAT(*ReadFile("/proc/keys"), HasSubstr("of-the-node"));

  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  ASSERT_THAT(CreateContainer("echo keys; grep of-the-node /proc/keys; echo end; sleep 1000"),
              IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  EXPECT_TRUE(LogSays("end"));
  EXPECT_EQ(LogText(), "keys\nend\n");
  EXPECT_EQ(Exec("grep of-the-node /proc/keys; echo end")->out, "end\n");
}

// CVE-2025-31133: the mask was the container's own /dev/null, which it could replace.
TEST_F(ConfinementTest, MasksWithTheNodesNullWhateverTheImageHasThere) {
  StartPod();
  const auto outcome = Run("cat /etc/shadow | wc -c", [](Setup& setup) {
    ASSERT_THAT(WriteFileVolatile(setup.root / "etc/shadow", "secret"), IsOk());
    std::filesystem::create_symlink("/etc/shadow", setup.root / "dev/null");
    std::erase_if(setup.spec.mounts,
                  [](const shim::MountSpec& mount) { return mount.target.starts_with("/dev"); });
    setup.spec.masked_paths = {"/etc/shadow"};
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "0\n");
}

TEST_F(ConfinementTest, MakesPathsReadOnly) {
  StartPod();
  const auto outcome =
      Run("echo 1 > /proc/sys/kernel/msgmax; touch /tmp/ok && echo ok",
          [](Setup& setup) { setup.spec.readonly_paths = {"/proc/sys", "/proc/absent"}; });
  EXPECT_THAT(outcome->out, HasSubstr("Read-only file system"));
  EXPECT_THAT(outcome->out, HasSubstr("ok"));
}

TEST_F(ConfinementTest, MakesTheRootReadOnlyButNotItsMounts) {
  StartPod();
  const auto outcome = Run("touch /etc/x; touch /tmp/x && echo ok", [](Setup& setup) {
    setup.spec.readonly_root = true;
    setup.spec.mounts.push_back({.kind = shim::MountKind::kTmpfs, .target = "/tmp"});
  });
  EXPECT_THAT(outcome->out, HasSubstr("Read-only file system"));
  EXPECT_THAT(outcome->out, HasSubstr("ok"));
}

// CVE-2024-21626.
TEST_F(ConfinementTest, RefusesADescriptorAsWorkingDirectory) {
  for (const char* fd : {"3", "7", "8", "9"}) {
    SCOPED_TRACE(fd);
    StartPod();
    EXPECT_FALSE(Run("pwd", [&](Setup& setup) {
                   setup.spec.process.cwd = std::string("/proc/self/fd/") + fd;
                 }).has_value());
    TearDown();
    shim_ = {};
    std::filesystem::remove_all(run_dir_);
    std::filesystem::create_directories(run_dir_);
  }
}

// CVE-2026-41579.
TEST_F(ConfinementTest, RefusesAnImageWhoseDevIsALink) {
  StartPod();
  EXPECT_THAT(Run("true",
                  [](Setup& setup) {
                    std::filesystem::remove_all(setup.root / "dev");
                    std::filesystem::create_symlink("/etc", setup.root / "dev");
                  }),
              FailsWith(Code::kInvalidArgument, "mount /dev"));
}

// CVE-2021-30465, CVE-2024-45310.
TEST_F(ConfinementTest, MountsBelowTheRootEvenWhenTheTargetIsALinkOutOfIt) {
  StartPod();
  std::filesystem::create_directories("/run/outside");
  const auto outcome = Run("cat /proc/mounts", [](Setup& setup) {
    std::filesystem::create_symlink("../../../../run/outside", setup.root / "link");
    setup.spec.mounts.push_back({.kind = shim::MountKind::kTmpfs, .target = "/link"});
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("tmpfs /run/outside"));  // in the container's root
  EXPECT_FALSE(*IsMountPoint("/run/outside"));
}

// The path is looked up again where a volume may be on top of what is reached by its descriptor.
TEST_F(ConfinementTest, MountsOnTopOfAVolumeThatALinkHasBroughtOverDev) {
  StartPod();
  const auto outcome = Run("touch /dev/late/x && echo ok", [](Setup& setup) {
    std::filesystem::create_symlink("dev", setup.root / "link");
    setup.spec.mounts.push_back({.kind = shim::MountKind::kTmpfs, .target = "/link"});
    setup.spec.mounts.push_back({.kind = shim::MountKind::kTmpfs, .target = "/dev/late"});
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("ok"));
}

// As the daemon has it; the other tests here are as with one that has no such namespace.
TEST_F(ConfinementTest, IsTheSameInAMountNamespaceThatBeginsWithoutTheNodesMounts) {
  StartPod();
  ASSERT_THAT(client_->Greet(shim::kMinor), IsOk());
  constexpr const char* kLook =
      "cut -d' ' -f4-6 /proc/self/mountinfo | sort; ls -A /; ls -A /..; echo x >/tmp/x && cat "
      "/tmp/x";
  const auto copied = Run(kLook);
  ASSERT_THAT(copied, IsOk());
  ASSERT_THAT(RemoveContainer(), IsOk());
  std::filesystem::remove(log_);
  std::filesystem::remove(run_dir_ / "root");  // to which a copy of the node's mounts is needed
  const auto bare = Run(kLook, [](Setup& setup) {
    auto mounts = MakeBareMounts("/run");
    ASSERT_THAT(mounts, IsOk());
    setup.spec.first_namespace_fds = {static_cast<int32_t>(setup.fds.size())};
    setup.fds.push_back(std::move(*mounts));
  });
  ASSERT_THAT(bare, IsOk());
  EXPECT_EQ(bare->out, copied->out);
}

TEST_F(ConfinementTest, ShowsNothingOfTheNodesMounts) {
  StartPod();
  const auto outcome = Run("cat /proc/self/mountinfo");
  EXPECT_THAT(outcome->out, ::testing::Not(HasSubstr("/sys/fs/cgroup")));
  EXPECT_THAT(outcome->out, ::testing::Not(HasSubstr("/run")));
}

// With CAP_MKNOD, as the usual default has it, and without a device cgroup.
TEST_F(ConfinementTest, OpensNoDeviceButThoseOfItsDev) {
  StartPod();
  const auto outcome =
      Run("echo x > /dev/null && echo null; head -c1 /dev/zero | wc -c; head -c1 /dev/fuse 2>&1; "
          "mknod /dev/disk b 254 0 && head -c1 /dev/disk");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("null\n1\n"));
  EXPECT_THAT(outcome->out, HasSubstr("'/dev/disk' for reading: Permission denied"));
}

TEST_F(ConfinementTest, HasTheDevicesItAskedFor) {
  StartPod();
  const auto outcome =
      Run("stat -c '%t:%T %a' /dev/net/mine; head -c1 /dev/net/mine | wc -c", [](Setup& setup) {
        setup.spec.devices = {{.path = "/dev/net/mine", .major = 1, .minor = 5, .mode = 0600}};
      });
  EXPECT_EQ(outcome->out, "1:5 600\n1\n");
}

// As runc makes it: the members of the node's group "video" or "dialout" can use it.
TEST_F(ConfinementTest, HasItsDevicesWithTheOwnersThatTheNodeGaveThem) {
  StartPod();
  ASSERT_THAT(client_->Greet(shim::kMinor), IsOk());  // since 1.1
  const auto outcome = Run("stat -c '%u:%g %a' /dev/net/mine", [](Setup& setup) {
    setup.spec.devices = {
        {.path = "/dev/net/mine", .major = 1, .minor = 5, .mode = 0660, .uid = 7, .gid = 44}};
  });
  EXPECT_EQ(outcome->out, "7:44 660\n");
}

TEST_F(ConfinementTest, RefusesADeviceOutsideOfDev) {
  StartPod();
  EXPECT_THAT(CreateContainer("true",
                              [](Setup& setup) {
                                setup.spec.devices = {{.path = "/dev/../etc/x", .major = 1}};
                              }),
              FailsWith(Code::kInvalidArgument, "/dev/../etc/x"));
}

// CVE-2019-5736: the program cannot be written to, found by whatever way.
TEST_F(ConfinementTest, RunsTheShimFromAReadOnlyMount) {
  StartPod();
  const std::string exe = "/proc/" + std::to_string(shim_.pid) + "/exe";
  const UniqueFd fd(::open(exe.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(errno == EROFS || errno == ETXTBSY) << errno;
  const UniqueFd reader(::open(exe.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_LT(::open(("/proc/self/fd/" + std::to_string(reader.get())).c_str(), O_WRONLY), 0);
}

// CVE-2020-15257.
TEST_F(ConfinementTest, KeepsItsSocketToTheOwner) {
  StartPod();
  struct stat status{};
  ASSERT_EQ(::stat((run_dir_ / "sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

}  // namespace
}  // namespace trivet
