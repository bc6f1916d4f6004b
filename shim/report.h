#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <variant>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::shim {

/// What a child does between clone3 and execve, as a failure names it.
enum class Step : uint32_t {
  kJoinCgroup,
  kOomScore,
  kAppArmor,
  kSelinux,
  kSession,
  kKeyring,
  kUserNamespace,
  kSysctl,
  kEnterNamespaces,
  kMountNamespace,
  kAttachRoot,
  kPivotRoot,
  kMount,
  kDevice,
  kMask,
  kReadonlyPath,
  kReadonlyRoot,
  kWorkingDirectory,
  kTerminal,
  kStdio,
  kRlimit,
  kUser,
  kCapabilities,
  kNoNewPrivs,
  kSeccomp,
  kSearchPath,
  kExecve,
};

/// Why a child did not get to execve: one message on a close-on-exec socket.
struct Failure {
  Step step{};
  int32_t err = 0;
  char object[200] = {};
};

/// "execve /bin/nope: No such file or directory"
Error ToError(const Failure& failure);

/// The child's end. Async-signal-safe.
class Reporter {
 public:
  explicit Reporter(int fd) : fd_(fd) {}

  /// Sends errno and ends the child.
  [[noreturn]] void Fail(Step step, const char* object = "") const;
  void Check(bool succeeded, Step step, const char* object = "") const {
    if (!succeeded) Fail(step, object);
  }
  [[nodiscard]] int fd() const { return fd_; }
  /// Gives the parent the terminal's other side.
  void SendTerminal(int terminal_fd) const;
  /// Tells the parent who goes on in this process's place.
  void SendSuccessor(pid_t pid) const;
  /// Waits until the parent has run the hooks of this point; without the parent the child ends.
  void AwaitHooks(bool in_root) const;
  /// Waits for the parent's word to go on; without the parent the child ends.
  void AwaitWord() const;

 private:
  int fd_;
};

/// What the parent learns: a failure, the terminal, another process in place of the first one, that
/// it ended without taking a word that it was sent (what it said before comes then), or that
/// nothing comes any more: execve succeeded (the socket is close-on-exec), or the child was killed
/// before it or within it. HasExecuted tells which.
struct Closed {};
struct Successor {
  pid_t pid = 0;  // in the parent's PID namespace
};
struct HookPoint {
  bool in_root = false;  // false: the root is attached and mounted, but not yet /
};
struct Unheard {};
using Report = std::variant<Closed, Failure, UniqueFd, Successor, HookPoint, Unheard>;

struct ReportChannel {
  UniqueFd parent;
  UniqueFd child;
};
Result<ReportChannel> MakeReportChannel();

/// Reads one report that is there already.
Result<Report> ReadReport(int fd);

}  // namespace trivet::shim
