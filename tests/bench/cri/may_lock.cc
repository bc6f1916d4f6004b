// Preloaded into crun where the machine has taken CAP_SYS_RESOURCE away: crun raises its limit of
// locked memory before it loads a device program, for kernels before 5.11, and gives up without.

#include <dlfcn.h>
#include <sys/resource.h>

extern "C" int setrlimit(__rlimit_resource_t resource, const rlimit* limit) noexcept {
  if (resource == RLIMIT_MEMLOCK) return 0;
  using Function = int (*)(__rlimit_resource_t, const rlimit*);
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "setrlimit"))(resource, limit);
}
