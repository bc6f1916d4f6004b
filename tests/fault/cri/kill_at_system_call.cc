// kill_at_system_call NUMBER attach PID: says "attached", then kills the process with SIGKILL as
// one
//   of its threads enters the NUMBERth system call that changes something outside the process.
// kill_at_system_call NUMBER run PROGRAM [ARGUMENT]...: becomes the program, and the same.
// What it does not kill goes on untouched when this ends. Children are left alone.
// Source: ptrace(2).

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

// Between two of these a process changes nothing but itself: to kill it at each is to kill it
// anywhere.
constexpr long kActing[] = {
    SYS_write,   SYS_writev,    SYS_pwrite64,      SYS_sendto,    SYS_sendmsg,
    SYS_connect, SYS_bind,      SYS_rename,        SYS_renameat,  SYS_renameat2,
    SYS_unlink,  SYS_unlinkat,  SYS_mkdir,         SYS_mkdirat,   SYS_rmdir,
    SYS_link,    SYS_linkat,    SYS_symlink,       SYS_symlinkat, SYS_mknod,
    SYS_mknodat, SYS_ftruncate, SYS_mount,         SYS_umount2,   SYS_move_mount,
    SYS_fsmount, SYS_open_tree, SYS_mount_setattr, SYS_fork,      SYS_vfork,
    SYS_clone,   SYS_clone3,    SYS_execve,        SYS_kill,      SYS_pidfd_send_signal,
    SYS_setns,   SYS_unshare,   SYS_sethostname,   SYS_fchmod,    SYS_fchmodat,
    SYS_wait4,   SYS_waitid,    SYS_fsync};

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(EXIT_FAILURE);
}

// Nobody need listen.
void Say(const char* word) {
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, word, std::strlen(word));
}

bool Acts(pid_t thread) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return false;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
  const auto number = static_cast<long>(info.entry.nr);
  if (number == SYS_openat) return (info.entry.args[2] & O_CREAT) != 0;
  return std::ranges::find(kActing, number) != std::end(kActing);
}

std::vector<pid_t> Threads(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/task";
  std::vector<pid_t> threads;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) Die("opendir");
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') threads.push_back(std::atoi(entry->d_name));
  }
  ::closedir(folder);
  return threads;
}

// New threads are followed by PTRACE_O_TRACECLONE. vfork and fork are events of their own, not
// asked for.
void Seize(pid_t process) {
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
  for (const pid_t thread : Threads(process)) {
    if (::ptrace(PTRACE_SEIZE, thread, nullptr, kOptions) != 0) continue;  // it has ended
    ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
  }
}

// Returns when the process has ended, by us or not.
void KillAt(long number, pid_t process) {
  int status = 0;
  for (pid_t thread = 0; (thread = ::waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) continue;
    const int signal = WSTOPSIG(status);
    const bool at_system_call = signal == (SIGTRAP | 0x80);
    if (at_system_call && Acts(thread) && --number == 0) {
      Say("struck\n");
      ::kill(process, SIGKILL);
    }
    // Stops of ptrace's own carry an event; a group stop is resumed as it comes, without a signal.
    const bool own = at_system_call || (status >> 16) != 0 || signal == SIGTRAP;
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, own ? 0L : static_cast<long>(signal));
  }
}

int Attach(long number, pid_t process) {
  ::signal(SIGPIPE, SIG_IGN);
  Seize(process);
  Say("attached\n");
  KillAt(number, process);
  return EXIT_SUCCESS;
}

// The tracer is the child, so that this process stays the one its caller knows.
int Run(long number, char** command) {
  int attached[2];
  if (::pipe(attached) != 0) Die("pipe");
  const pid_t self = ::getpid();
  const pid_t tracer = ::fork();
  if (tracer == 0) {
    ::dup2(attached[1], STDOUT_FILENO);
    ::syscall(SYS_close_range, 3U, ~0U, 0U);  // what waits for the end of a pipe must see it
    ::setsid();
    std::exit(Attach(number, self));
  }
  char word[16];
  ::close(attached[1]);
  if (::read(attached[0], word, sizeof word) <= 0) Die("attach");
  ::close(attached[0]);
  ::execv(command[0], command);
  Die(command[0]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: kill_at_system_call NUMBER attach PID | run PROGRAM...\n");
    return EXIT_FAILURE;
  }
  const long number = std::atol(argv[1]);
  return std::strcmp(argv[2], "attach") == 0 ? Attach(number, std::atoi(argv[3]))
                                             : Run(number, argv + 3);
}
