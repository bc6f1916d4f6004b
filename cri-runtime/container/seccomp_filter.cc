#include "cri-runtime/container/seccomp_filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::container {
namespace {

using Context = std::unique_ptr<void, decltype([](void* context) { ::seccomp_release(context); })>;

// Newer than Debian 12's libseccomp; from number 424 on all architectures number alike.
// Source: the kernel's scripts/syscall.tbl.
const std::map<std::string, uint32_t, std::less<>>& LateNumbers() {
  static const std::map<std::string, uint32_t, std::less<>> numbers{
      {"set_mempolicy_home_node", 450},
      {"cachestat", 451},
      {"fchmodat2", 452},
      {"map_shadow_stack", 453},
      {"futex_wake", 454},
      {"futex_wait", 455},
      {"futex_requeue", 456},
      {"statmount", 457},
      {"listmount", 458},
      {"lsm_get_self_attr", 459},
      {"lsm_set_self_attr", 460},
      {"lsm_list_modules", 461},
      {"mseal", 462},
      {"setxattrat", 463},
      {"getxattrat", 464},
      {"listxattrat", 465},
      {"removexattrat", 466}};
  return numbers;
}
constexpr uint32_t kFirstUnknownNumber = 467;

std::unexpected<Error> LibraryFailure(int result, std::string_view what) {
  return std::unexpected(Error::FromErrno(-result, fmt::format("seccomp: {}", what)));
}

Result<> AddRule(const Context& context, const SeccompRule& rule, const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) return {};
  std::vector<scmp_arg_cmp> arguments;
  for (const SeccompArgument& argument : rule.arguments) {
    arguments.push_back({argument.index, static_cast<scmp_compare>(argument.comparison),
                         argument.value, argument.value_two});
  }
  const int added =
      ::seccomp_rule_add_array(context.get(), rule.action, number,
                               static_cast<unsigned>(arguments.size()), arguments.data());
  // EDOM: the system call cannot be filtered so on one of the architectures; it stays denied.
  if (added != 0 && added != -EDOM && added != -EEXIST) return LibraryFailure(added, name);
  return {};
}

Result<SeccompProgram> Export(const Context& context) {
  const UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) return FailErrno("memfd_create");
  const int exported = ::seccomp_export_bpf(context.get(), file.get());
  if (exported != 0) return LibraryFailure(exported, "export");
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return FailErrno("seek seccomp filter");
  ASSIGN_OR_RETURN(const std::string bytes, ReadAll(file.get(), "seccomp filter"));
  SeccompProgram program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
  return program;
}

// In front of the library's program: the numbers it does not know. They are above those of the
// 32-bit architecture's own, and x32's bit 30 makes x32 unknown, so the architecture need not be
// looked at here.
SeccompProgram LatePrologue(const SeccompProfile& profile) {
  SeccompProgram prologue{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const SeccompRule& rule : profile.rules) {
    if (!rule.arguments.empty()) continue;
    for (const std::string& name : rule.names) {
      const auto late = LateNumbers().find(name);
      if (late == LateNumbers().end()) continue;
      if (::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) continue;
      prologue.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, late->second, 0, 1));
      prologue.push_back(BPF_STMT(BPF_RET | BPF_K, rule.action));
    }
  }
  if ((profile.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
    prologue.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kFirstUnknownNumber, 0, 1));
    prologue.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  }
  return prologue;
}

}  // namespace

Result<SeccompProgram> TranslateSeccompProfile(const SeccompProfile& profile) {
  const Context context(::seccomp_init(profile.default_action));
  if (context == nullptr) return Fail(Code::kInvalidArgument, "seccomp: default action");
#if defined(__x86_64__)
  if (const int added = ::seccomp_arch_add(context.get(), SCMP_ARCH_X86); added != 0) {
    return LibraryFailure(added, "architecture x86");
  }
#endif
  // A binary tree instead of a chain; an older library keeps the chain.
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const SeccompRule& rule : profile.rules) {
    if (rule.action == profile.default_action) continue;  // the library refuses what says nothing
    for (const std::string& name : rule.names) RETURN_IF_ERROR(AddRule(context, rule, name));
  }
  ASSIGN_OR_RETURN(const SeccompProgram filter, Export(context));
  SeccompProgram program = LatePrologue(profile);
  program.insert(program.end(), filter.begin(), filter.end());
  return program;
}

Result<std::string> CompileSeccompFilter(const SeccompProfile& profile) {
  ASSIGN_OR_RETURN(SeccompProgram program, TranslateSeccompProfile(profile));
  program = LookUpByNumber(std::move(program));
  return std::string(reinterpret_cast<const char*>(program.data()),
                     program.size() * sizeof(sock_filter));
}

Result<std::string> SeccompFilters::Get(ProfileKind kind, const std::string& localhost_text,
                                        uint64_t capabilities) {
  if (kind == ProfileKind::kUnconfined) return std::string();
  const std::string key = fmt::format("{} {:x} {}", static_cast<int>(kind), capabilities,
                                      kind == ProfileKind::kLocalhost ? localhost_text : "");
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = kept_.find(key); found != kept_.end()) return found->second;
  }
  return compiling_.Do(key, [&]() -> Result<std::string> {
    SeccompProfile profile = DefaultSeccompProfile(capabilities);
    if (kind == ProfileKind::kLocalhost) {
      ASSIGN_OR_RETURN(profile, ParseSeccompProfile(localhost_text, capabilities));
    }
    ASSIGN_OR_RETURN(std::string filter, CompileSeccompFilter(profile));
    const std::scoped_lock lock(mutex_);
    if (kept_.size() >= kMaxKept) kept_.clear();
    return kept_[key] = std::move(filter);
  });
}

}  // namespace trivet::container
