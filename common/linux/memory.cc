#include "common/linux/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace trivet {
namespace {

constexpr int kHeaps = 2;
constexpr int kHeapsWithUrgent = 16;
constexpr int kFreedBytes = 64 << 20;  // what a heap keeps
constexpr int kStepBytes = 1 << 20;  // by which one grows; what is larger has a mapping of its own

// Symbol tables, relocations and the code of constructors are most of what a start touches. A
// segment that is writable at load has been changed since, also where it is read-only now (RELRO).
int DropUnchanged(dl_phdr_info* object, size_t /*size*/, void* /*unused*/) {
  const auto page = static_cast<ElfW(Addr)>(::sysconf(_SC_PAGESIZE));
  for (const ElfW(Phdr)* segment = object->dlpi_phdr;
       segment != object->dlpi_phdr + object->dlpi_phnum; ++segment) {
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
    const ElfW(Addr) begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    const ElfW(Addr) end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
    // The vDSO, which is no file, refuses.
    static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED));
  }
  return 0;
}

}  // namespace

void ShareHeaps() {
  ::mallopt(M_ARENA_MAX, kHeaps);
}

void ShareHeapsWithUrgent() {
  ::mallopt(M_ARENA_MAX, kHeapsWithUrgent);
  ::mallopt(M_MXFAST, 0);  // small pieces would be kept apart, and then joined all at once
  ::mallopt(M_TRIM_THRESHOLD, kFreedBytes);
  ::mallopt(M_TOP_PAD, kStepBytes);
  ::mallopt(M_MMAP_THRESHOLD, kStepBytes);
}

void GiveBackFreed() {
  ::malloc_trim(0);
}

void ForgetStart() {
  GiveBackFreed();
  ::dl_iterate_phdr(DropUnchanged, nullptr);
}

}  // namespace trivet
