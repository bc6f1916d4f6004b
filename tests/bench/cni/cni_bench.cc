// The floor for cni_bench.py, one process per operation as a runtime would run a plugin, and the
// same in one process:
//   cni_bench bridge NAME ADDRESS
//   cni_bench add|del NETNS IFNAME HOST_INTERFACE BRIDGE|- ADDRESS
//   cni_bench in-process ROUNDS NETNS BRIDGE|- ADDRESS     microseconds of each "ADD DEL", one line
//   a round cni_bench rss PROGRAM                                  peak of PROGRAM (with this
//   environment and stdin), KiB
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/cni/kernel_floor.h"

namespace trivet::bench {
namespace {

using Arguments = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

uint32_t Address(const std::string& text) {
  return ntohl(::inet_addr(text.c_str()));
}
std::string Bridge(const std::string& text) {
  return text == "-" ? "" : text;
}

long long Microseconds(Clock::duration taken) {
  return std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
}

Result<> MeasureInProcess(const Arguments& arguments) {
  const floor::Attachment attachment{.netns = arguments[1],
                                     .ifname = "floor0",
                                     .host_interface = "vethfloor0",
                                     .bridge = Bridge(arguments[2]),
                                     .address = Address(arguments[3])};
  for (int round = 0; round < std::stoi(arguments[0]); ++round) {
    const auto start = Clock::now();
    RETURN_IF_ERROR(floor::Add(attachment));
    const auto added = Clock::now();
    RETURN_IF_ERROR(floor::Del(attachment));
    std::printf("%lld %lld\n", Microseconds(added - start), Microseconds(Clock::now() - added));
  }
  return {};
}

// The peak of a child includes that of the process it was forked from: this one is small.
Result<> MeasurePeak(const Arguments& arguments) {
  const pid_t child = ::fork();
  if (child < 0) return FailErrno("fork");
  if (child == 0) {
    ::execl(arguments[0].c_str(), arguments[0].c_str(), nullptr);
    ::_exit(EXIT_FAILURE);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child) return FailErrno("wait4");
  if (status != 0) return Fail(Code::kInternal, "{} failed", arguments[0]);
  std::fprintf(stderr, "%ld\n", usage.ru_maxrss);
  return {};
}

Result<> Run(const std::string& mode, const Arguments& arguments) {
  if (mode == "bridge" && arguments.size() == 2) {
    return floor::MakeBridge(arguments[0], Address(arguments[1]));
  }
  if (mode == "in-process" && arguments.size() == 4) return MeasureInProcess(arguments);
  if (mode == "rss" && arguments.size() == 1) return MeasurePeak(arguments);
  if ((mode != "add" && mode != "del") || arguments.size() != 5) {
    return Fail(Code::kInvalidArgument, "usage: see cni_bench.cc");
  }
  const floor::Attachment attachment{.netns = arguments[0],
                                     .ifname = arguments[1],
                                     .host_interface = arguments[2],
                                     .bridge = Bridge(arguments[3]),
                                     .address = Address(arguments[4])};
  return mode == "add" ? floor::Add(attachment) : floor::Del(attachment);
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  const auto done = trivet::bench::Run(argc > 1 ? argv[1] : "", arguments);
  if (done) return EXIT_SUCCESS;
  std::fprintf(stderr, "cni_bench: %s\n", done.error().message().c_str());
  return EXIT_FAILURE;
}
