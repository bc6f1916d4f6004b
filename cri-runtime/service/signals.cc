#include "cri-runtime/service/signals.h"

#include <algorithm>
#include <array>
#include <csignal>

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

// By the CRI's number, up to SIGNAL_SIGXFSZ; the real-time signals follow in order.
constexpr std::array<int, 35> kNumbers{
    0,       SIGABRT, SIGALRM,   SIGBUS,  SIGCHLD,   SIGCHLD,  SIGCONT, SIGFPE,  SIGHUP,
    SIGILL,  SIGINT,  SIGIO,     SIGABRT, SIGKILL,   SIGPIPE,  SIGPOLL, SIGPROF, SIGPWR,
    SIGQUIT, SIGSEGV, SIGSTKFLT, SIGSTOP, SIGSYS,    SIGTERM,  SIGTRAP, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGURG,  SIGUSR1,   SIGUSR2, SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ};
// As a C library counts: it keeps two of the kernel's for itself.
constexpr int kFirstRealTime = 34;

}  // namespace

std::optional<int> NumberOfSignal(v1::Signal signal) {
  const int position = static_cast<int>(signal);
  if (position < 0 || position > static_cast<int>(v1::SIGNAL_SIGRTMAX)) return std::nullopt;
  if (position < static_cast<int>(v1::SIGNAL_SIGRTMIN)) {
    return kNumbers[static_cast<size_t>(position)];
  }
  return kFirstRealTime + position - static_cast<int>(v1::SIGNAL_SIGRTMIN);
}

v1::Signal SignalOfNumber(int number) {
  if (number >= kFirstRealTime && number <= 64) {
    return static_cast<v1::Signal>(static_cast<int>(v1::SIGNAL_SIGRTMIN) + number - kFirstRealTime);
  }
  const auto found = std::ranges::find(kNumbers, number);
  if (found == kNumbers.end()) return v1::SIGNAL_RUNTIME_DEFAULT;
  return static_cast<v1::Signal>(found - kNumbers.begin());
}

}  // namespace trivet::cri
