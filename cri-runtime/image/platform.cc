#include "cri-runtime/image/platform.h"

#include <sys/utsname.h>

namespace trivet::image {

Platform Platform::Host() {
  utsname name{};
  ::uname(&name);
  const std::string machine = name.machine;
  if (machine == "x86_64") return {"linux", "amd64"};
  if (machine == "aarch64") return {"linux", "arm64"};
  return {"linux", machine};  // riscv64, ppc64le, s390x are called the same in Go
}

}  // namespace trivet::image
