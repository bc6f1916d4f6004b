#include "common/linux/processors.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>

namespace trivet {
namespace {

constexpr pid_t kThisThread = 0;

// As long as any kernel's: what is too long is cut.
void UseAll(pid_t thread) {
  static constexpr auto kAll = [] {
    std::array<unsigned char, 1024> all{};
    all.fill(0xff);
    return all;
  }();
  ::syscall(SYS_sched_setaffinity, thread, kAll.size(), kAll.data());
}

std::optional<cpu_set_t> Allowed(pid_t thread) {
  cpu_set_t allowed;
  if (::sched_getaffinity(thread, sizeof allowed, &allowed) != 0) return std::nullopt;
  return allowed;
}

// What this process was told when it was started, where that is less than its cpuset allows.
std::optional<cpu_set_t> FindTold() {
  const auto own = Allowed(::getpid());
  std::optional<cpu_set_t> all;
  std::thread([&] {
    UseAllProcessors();
    all = Allowed(kThisThread);
  }).join();
  if (!own || !all || CPU_EQUAL(&*own, &*all)) return std::nullopt;
  return own;
}

// Found before the first thread is sent anywhere.
const std::optional<cpu_set_t>& Told() {
  static const std::optional<cpu_set_t> told = FindTold();
  return told;
}

std::optional<size_t> OwnProcessor() {
  Told();
  const int processor = ::sched_getcpu();
  return processor < 0 ? std::nullopt : std::optional(static_cast<size_t>(processor));
}

Sent Send(pid_t thread, const cpu_set_t& processors) {
  return Sent(CPU_COUNT(&processors) > 0 &&
              ::sched_setaffinity(thread, sizeof processors, &processors) == 0);
}

}  // namespace

void UseAllProcessors() {
  UseAll(kThisThread);
}

void Sent::End() {
  EndFor(kThisThread);
}

void Sent::EndFor(pid_t thread) {
  if (!std::exchange(sent_, false)) return;
  if (!Told()) return UseAll(thread);
  static_cast<void>(::sched_setaffinity(thread, sizeof *Told(), &*Told()));
}

Sent SendElsewhere(pid_t thread) {
  const auto here = OwnProcessor();
  auto others = Allowed(kThisThread);
  if (!here || !others) return {};
  CPU_CLR(*here, &*others);
  return Send(thread, *others);
}

Sent SendHere(pid_t thread) {
  const auto here = OwnProcessor();
  if (!here) return {};
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(*here, &one);
  return Send(thread, one);
}

}  // namespace trivet
