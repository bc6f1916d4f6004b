// What a pod of the bench runs: waits for SIGTERM. It is also the peers' pause container.

#include <csignal>

int main() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  int signal = 0;
  return sigwait(&stop, &signal);
}
