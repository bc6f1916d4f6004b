#include "tests/fault/csi/injected_test.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using testing::IsOk;

// Those that change something outside of the process, or start and await a program.
constexpr const char* kCalls =
    "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,ftruncate,fallocate,ioctl,umount2,fsopen,fsconfig,fsmount,open_tree,"
    "move_mount,mount_setattr,mknod,mknodat,clone,clone3,vfork";
const std::filesystem::path kStrace = "/usr/bin/strace";

bool EveryThreadIsTraced(pid_t pid) {
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  const auto names = ListDirectory(tasks);
  return names && std::ranges::all_of(*names, [&](const std::string& name) {
           const auto status = ReadFile(tasks / name / "status");
           return status && status->find("TracerPid:\t0\n") == std::string::npos;
         });
}

// It is served before the main thread has said so in the log: a fault there would be none of a
// call.
bool MainThreadWaits(pid_t pid) {
  const auto call = ReadFile("/proc/" + std::to_string(pid) + "/syscall");
  return !call || call->starts_with(std::to_string(SYS_rt_sigtimedwait) + " ");
}

}  // namespace

void InjectedTest::SetUp() {
  CopyTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_TRUE(std::filesystem::exists(kStrace)) << "strace is not installed";
}

void InjectedTest::Attach(const std::string& fault, int number) {
  std::filesystem::remove(Path("strace"));
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!MainThreadWaits(pid()) && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  const Command command{
      .program = kStrace,
      .args = {"-f", "-qqq", "-b", "execve", "-o", Path("strace"), "-e",
               std::string("trace=") + kCalls, "-e",
               std::string("inject=") + kCalls + ":" + fault + ":when=" + std::to_string(number),
               "-p", std::to_string(pid())}};
  auto child = StartCommand(command, {});
  ASSERT_THAT(child, IsOk());
  strace_ = std::move(*child);
  while (!EveryThreadIsTraced(pid())) {
    ASSERT_FALSE(Reap(strace_.pidfd, std::chrono::milliseconds(1)).value_or(0).has_value())
        << "strace cannot trace here";
  }
}

bool InjectedTest::DetachAndSeeWhetherItHit() {
  // Not SIGTERM: that waits for a traced process, and one that is dying waits for its tracer.
  EXPECT_THAT(SendSignal(strace_.pidfd, SIGKILL), IsOk());
  EXPECT_THAT(Reap(strace_.pidfd), IsOk());
  const std::string log = ReadFile(Path("strace")).value_or("");
  return log.contains("INJECTED") || log.contains("killed by SIGKILL");
}

grpc::StatusCode InjectedTest::Patiently(const std::function<grpc::StatusCode()>& call) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto code = call();
  while (code == grpc::ABORTED && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    code = call();
  }
  return code;
}

// Whether the fault happened.
bool InjectedTest::CallWithFault(const std::string& fault, int number,
                                 const std::function<grpc::StatusCode()>& call) {
  Attach(fault, number);
  if (HasFatalFailure()) return false;
  const auto code = call();
  bool hit = DetachAndSeeWhetherItHit();
  const bool kills = fault.starts_with("signal");
  const bool must_end = kills && (hit || code == grpc::UNAVAILABLE);
  if (ReapIfEnded(must_end ? std::chrono::seconds(20) : std::chrono::milliseconds(200))) {
    EXPECT_TRUE(kills) << fault << " at " << number << " has ended the driver";
    hit = true;  // strace itself may have been ended before it said so
    Start();
  } else {
    EXPECT_NE(code, grpc::UNKNOWN) << DriverTest::message();
  }
  EXPECT_EQ(Patiently(call), grpc::OK)
      << fault << " at " << number << ": " << DriverTest::message() << message();
  return hit;
}

void InjectedTest::Try(const std::string& fault, const CallPair& calls) {
  constexpr int kMost = 400;
  int number = 1;
  for (bool hit = true; hit && number < kMost && !HasFailure(); ++number) {
    SCOPED_TRACE(fault + " at system call " + std::to_string(number));
    calls.prepare();
    const bool hit_there = CallWithFault(fault, number, calls.there);
    calls.check();
    const bool hit_back = CallWithFault(fault, number, calls.back);
    calls.finish();
    hit = hit_there || hit_back;
  }
  EXPECT_GT(number, 3) << "no fault happened";
  EXPECT_LT(number, kMost) << "the faults had no end";
  RecordProperty("faults", number);
}

}  // namespace trivet::csi
