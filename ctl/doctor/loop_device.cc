#include "ctl/doctor/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::ctl::doctor {
namespace {

constexpr off_t kBytes = 64 << 10;
constexpr int kAttempts = 8;

Result<UniqueFd> MakeMemoryFile() {
  UniqueFd file(::memfd_create("trivetctl-doctor", MFD_CLOEXEC));
  if (!file.valid()) return FailErrno("memfd_create");
  if (::ftruncate(file.get(), kBytes) != 0) return FailErrno("truncate memory file");
  return file;
}

// Autoclear: the kernel detaches the file when the last descriptor goes, however this ends.
Result<> Attach(const std::filesystem::path& device, const UniqueFd& file) {
  const UniqueFd loop(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!loop.valid()) return FailErrno("open {}", device.native());
  loop_config config{};
  config.fd = static_cast<uint32_t>(file.get());
  config.block_size = 512;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  if (::ioctl(loop.get(), LOOP_CONFIGURE, &config) != 0) {
    return FailErrno("configure {}", device.native());
  }
  return {};
}

// One attempt: another process may take the free device first (kAborted).
Result<Answer> AttachToFree(const Host& host, const UniqueFd& control, const UniqueFd& file) {
  ASSIGN_OR_RETURN(const auto known, ListDirectory(host.Sys("block")));
  const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
  if (number < 0) return FailErrno("find a free loop device");
  const std::string name = fmt::format("loop{}", number);
  const auto attached = Attach("/dev/" + name, file);
  // Refused while somebody else has begun to use it: then it is theirs.
  const bool is_new = std::ranges::find(known, name) == known.end();
  if (is_new) ::ioctl(control.get(), LOOP_CTL_REMOVE, number);
  if (!attached) return std::unexpected(attached.error());
  return Answer{};
}

}  // namespace

Result<Answer> ProbeLoopDevice(const Host& host) {
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) return FailErrno("open /dev/loop-control");
  ASSIGN_OR_RETURN(const UniqueFd file, MakeMemoryFile());
  Result<Answer> answer = AttachToFree(host, control, file);
  for (int i = 1; i < kAttempts && !answer && answer.error().code() == Code::kAborted; ++i) {
    answer = AttachToFree(host, control, file);
  }
  return answer;
}

}  // namespace trivet::ctl::doctor
