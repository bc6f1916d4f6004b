#include "cri-runtime/checkpoint/criu.h"

#include <signal.h>
#include <unistd.h>

#include "common/linux/command.h"
#include "common/linux/criu.h"
#include "common/linux/file.h"

namespace trivet::checkpoint {
namespace {

constexpr const char* kLogFile = "dump.log";
constexpr int kKeptFd = 3;

std::vector<std::string> ArgumentsOf(const Dump& dump, std::chrono::seconds timeout) {
  std::vector<std::string> args = {"dump",
                                   "--tree",
                                   std::to_string(dump.pid),
                                   "--images-dir",
                                   dump.images,
                                   "--work-dir",
                                   dump.work,
                                   "--log-file",
                                   kLogFile,
                                   "-v4",
                                   "--leave-running",
                                   "--manage-cgroups=ignore",
                                   "--file-locks",
                                   "--ext-unix-sk",
                                   "--network-lock",
                                   "nftables",
                                   "--timeout",
                                   std::to_string(timeout.count()),
                                   "--freeze-cgroup",
                                   dump.freezer};
  for (const std::string& resource : dump.external) {
    args.emplace_back("--external");
    args.push_back(resource);
  }
  return args;
}

// The program's processes, too: its session is its own.
Result<> Kill(const Child& child) {
  ::kill(-child.pid, SIGKILL);
  RETURN_IF_ERROR(Reap(child.pidfd));
  return Fail(Code::kDeadlineExceeded, "criu: no end by the deadline");
}

Result<> Failed(const Dump& dump, int exit_code) {
  constexpr uint64_t kMostLogBytes = uint64_t{64} << 20;
  const auto log = ReadFile(dump.work / kLogFile, kMostLogBytes);
  const std::string said = log ? criu::FindErrors(*log) : "no log";
  return Fail(Code::kFailedPrecondition, "criu exits with {}: {}", exit_code, said);
}

}  // namespace

Result<> CheckInstalled(const std::filesystem::path& criu) {
  if (::access(criu.c_str(), X_OK) == 0) return {};
  return Fail(Code::kUnimplemented, "checkpoints need CRIU, and {} is not installed",
              criu.native());
}

Result<> RunDump(const std::filesystem::path& criu, const Dump& dump, Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(left);
  if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "criu: no time left");
  ASSIGN_OR_RETURN(
      const Child child,
      StartCommand(criu::CommandOf(criu, ArgumentsOf(dump, seconds)), {{kKeptFd, dump.kept_fd}}),
      "criu");
  ASSIGN_OR_RETURN(const auto exit_code, Reap(child.pidfd, left), "criu");
  if (!exit_code) return Kill(child);
  if (*exit_code != 0) return Failed(dump, *exit_code);
  return {};
}

}  // namespace trivet::checkpoint
