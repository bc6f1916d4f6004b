#include "shim/report.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "common/linux/pipe.h"

namespace trivet::shim {
namespace {

std::string_view Name(Step step) {
  switch (step) {
    case Step::kJoinCgroup:
      return "join cgroup";
    case Step::kOomScore:
      return "set oom_score_adj";
    case Step::kAppArmor:
      return "set AppArmor profile";
    case Step::kSelinux:
      return "set SELinux label";
    case Step::kSession:
      return "setsid";
    case Step::kKeyring:
      return "join a session keyring";
    case Step::kUserNamespace:
      return "enter the pod's user namespace";
    case Step::kSysctl:
      return "write sysctl";
    case Step::kEnterNamespaces:
      return "enter the container's namespaces";
    case Step::kMountNamespace:
      return "make a mount namespace";
    case Step::kAttachRoot:
      return "attach the root to";
    case Step::kPivotRoot:
      return "pivot_root";
    case Step::kMount:
      return "mount";
    case Step::kDevice:
      return "make device";
    case Step::kMask:
      return "mask";
    case Step::kReadonlyPath:
      return "make read-only";
    case Step::kReadonlyRoot:
      return "make the root read-only";
    case Step::kWorkingDirectory:
      return "working directory";
    case Step::kTerminal:
      return "make a terminal";
    case Step::kStdio:
      return "set up standard input and output";
    case Step::kRlimit:
      return "set a resource limit";
    case Step::kUser:
      return "become the user";
    case Step::kCapabilities:
      return "set capabilities";
    case Step::kNoNewPrivs:
      return "set no_new_privs";
    case Step::kSeccomp:
      return "load the seccomp filter";
    case Step::kSearchPath:
      return "executable file not found in $PATH: look for";
    case Step::kExecve:
      return "execve";
  }
  return "unknown step";
}

constexpr char kTerminalMessage = 't';
constexpr size_t kHookPointBytes = 2;

}  // namespace

Error ToError(const Failure& failure) {
  std::string what(Name(failure.step));
  const std::string_view object(failure.object, ::strnlen(failure.object, sizeof failure.object));
  if (!object.empty()) what.append(" ").append(object);
  return Error::FromErrno(failure.err, what);
}

void Reporter::Fail(Step step, const char* object) const {
  Failure failure{.step = step, .err = errno};
  std::strncpy(failure.object, object, sizeof failure.object - 1);
  ::send(fd_, &failure, sizeof failure, MSG_NOSIGNAL);
  ::_exit(1);
}

void Reporter::SendTerminal(int terminal_fd) const {
  char text = kTerminalMessage;
  iovec data{&text, sizeof text};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &terminal_fd, sizeof terminal_fd);
  Check(::sendmsg(fd_, &message, MSG_NOSIGNAL) == 1, Step::kTerminal);
}

void Reporter::SendSuccessor(pid_t pid) const {
  Check(::send(fd_, &pid, sizeof pid, MSG_NOSIGNAL) == sizeof pid, Step::kUserNamespace);
}

void Reporter::AwaitHooks(bool in_root) const {
  const char point[kHookPointBytes] = {'h', static_cast<char>(in_root)};
  if (::send(fd_, point, sizeof point, MSG_NOSIGNAL) != sizeof point) ::_exit(1);
  AwaitWord();
}

void Reporter::AwaitWord() const {
  char word = 0;
  if (::recv(fd_, &word, sizeof word, 0) != sizeof word) ::_exit(1);
}

Result<ReportChannel> MakeReportChannel() {
  ASSIGN_OR_RETURN(SocketPair sockets, MakeSocketPair(SOCK_SEQPACKET));
  return ReportChannel{std::move(sockets.ours), std::move(sockets.theirs)};
}

Result<Report> ReadReport(int fd) {
  Failure failure{};
  iovec data{&failure, sizeof failure};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = -1;
  do {
    n = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == ECONNRESET) return Report(Unheard{});
  if (n == 0) return Report(Closed{});
  if (n == sizeof failure) return Report(failure);
  if (n == sizeof(pid_t)) {
    Successor successor;
    std::memcpy(&successor.pid, &failure, sizeof successor.pid);
    return Report(successor);
  }
  if (n == kHookPointBytes) {
    char point[kHookPointBytes];
    std::memcpy(point, &failure, sizeof point);
    return Report(HookPoint{point[1] != 0});
  }
  const cmsghdr* rights = CMSG_FIRSTHDR(&message);
  if (n != 1 || rights == nullptr) return Fail(Code::kInternal, "report of {} bytes", n);
  int terminal = -1;
  std::memcpy(&terminal, CMSG_DATA(rights), sizeof terminal);
  return Report(UniqueFd(terminal));
}

}  // namespace trivet::shim
