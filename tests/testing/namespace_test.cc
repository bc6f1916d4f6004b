#include "tests/testing/namespace_test.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "common/base/unique_fd.h"

namespace trivet::testing {
namespace {

void SetLoopbackUp() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ASSERT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &request), 0) << std::strerror(errno);
}

}  // namespace

void RootTest::SetUp() {
  if (::geteuid() == 0) return;
  const char* required = std::getenv("TRIVET_REQUIRE_ROOT");
  if (required != nullptr && std::strcmp(required, "1") == 0) {
    FAIL() << "this test needs root (TRIVET_REQUIRE_ROOT=1)";
  }
  GTEST_SKIP() << "this test needs root";
}

void NamespaceTest::SetUp() {
  RootTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_EQ(::unshare(CLONE_NEWNET | CLONE_NEWNS), 0) << std::strerror(errno);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("tmpfs", "/run", "tmpfs", 0, "mode=755"), 0);
  SetLoopbackUp();
}

}  // namespace trivet::testing
