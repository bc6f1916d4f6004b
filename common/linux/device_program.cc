#include "common/linux/device_program.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

namespace trivet {
namespace {

// By which ours are known among the programs of a group; at most 15 characters.
constexpr std::string_view kName = "trivet_devices";

constexpr uint32_t kMaxMajor = (1U << 12) - 1;  // MINORBITS is 20 of a dev_t's 32 bits
constexpr uint32_t kMaxMinor = (1U << 20) - 1;

constexpr int kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

// Registers: R1 is the context at the start, R0 the answer.
constexpr uint8_t kType = BPF_REG_2;
constexpr uint8_t kAccess = BPF_REG_3;
constexpr uint8_t kMajor = BPF_REG_4;
constexpr uint8_t kMinor = BPF_REG_5;
constexpr uint8_t kRest = BPF_REG_1;

bpf_insn Instruction(int code, uint8_t to, uint8_t from, int16_t offset, int32_t number) {
  bpf_insn instruction{};
  instruction.code = static_cast<uint8_t>(code);
  instruction.dst_reg = to & 0xF;
  instruction.src_reg = from & 0xF;
  instruction.off = offset;
  instruction.imm = number;
  return instruction;
}

bpf_insn Load(uint8_t to, size_t offset) {
  return Instruction(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, static_cast<int16_t>(offset), 0);
}
bpf_insn Compute(int operation, uint8_t to, int32_t number) {
  return Instruction(BPF_ALU | operation | BPF_K, to, 0, 0, number);
}
bpf_insn Copy(uint8_t to, uint8_t from) {
  return Instruction(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0);
}
// Jumps, to the rule's end, where the register is another number; the distance comes later.
bpf_insn Unless(uint8_t reg, uint32_t number) {
  return Instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, static_cast<int32_t>(number));
}

void AppendAnswer(bool allowed, std::vector<bpf_insn>& program) {
  program.push_back(Compute(BPF_MOV, BPF_REG_0, allowed ? 1 : 0));
  program.push_back(Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

int AccessOf(const DeviceRule& rule) {
  return (rule.make ? BPF_DEVCG_ACC_MKNOD : 0) | (rule.read ? BPF_DEVCG_ACC_READ : 0) |
         (rule.write ? BPF_DEVCG_ACC_WRITE : 0);
}

void AppendRule(const DeviceRule& rule, std::vector<bpf_insn>& program) {
  std::vector<bpf_insn> body{Unless(kType, rule.block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR)};
  if (rule.major) body.push_back(Unless(kMajor, *rule.major));
  if (rule.minor) body.push_back(Unless(kMinor, *rule.minor));
  if (AccessOf(rule) != kAllAccess) {  // what is asked beyond the rule must be nothing
    body.push_back(Copy(kRest, kAccess));
    body.push_back(Compute(BPF_AND, kRest, kAllAccess & ~AccessOf(rule)));
    body.push_back(Unless(kRest, 0));
  }
  AppendAnswer(true, body);
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i].code == (BPF_JMP | BPF_JNE | BPF_K)) {
      body[i].off = static_cast<int16_t>(body.size() - i - 1);
    }
  }
  program.insert(program.end(), body.begin(), body.end());
}

Result<int> Bpf(bpf_cmd command, bpf_attr& attributes, const char* what) {
  const long result = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
  if (result < 0) return FailErrno("{}", what);
  return static_cast<int>(result);
}

uint64_t AddressOf(const void* data) {
  return reinterpret_cast<uint64_t>(data);
}

Result<UniqueFd> OpenProgram(uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  ASSIGN_OR_RETURN(const int fd, Bpf(BPF_PROG_GET_FD_BY_ID, attributes, "open a BPF program"));
  return UniqueFd(fd);
}

Result<bpf_prog_info> ReadInfo(const UniqueFd& program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = AddressOf(&info);
  RETURN_IF_ERROR(Bpf(BPF_OBJ_GET_INFO_BY_FD, attributes, "describe a BPF program"));
  return info;
}

std::string_view NameOf(const bpf_prog_info& info) {
  return {info.name, ::strnlen(info.name, sizeof info.name)};
}

struct Attached {
  UniqueFd program;
  uint32_t id = 0;
};

// The programs of ours that the group has.
Result<std::vector<Attached>> FindOurs(const UniqueFd& group) {
  std::array<uint32_t, 64> ids{};  // the kernel takes no more for one group
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<uint32_t>(group.get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = AddressOf(ids.data());
  attributes.query.prog_cnt = ids.size();
  RETURN_IF_ERROR(Bpf(BPF_PROG_QUERY, attributes, "list device programs"));
  std::vector<Attached> ours;
  for (const uint32_t id : std::span(ids).first(attributes.query.prog_cnt)) {
    auto program = OpenProgram(id);
    if (!program && program.error().code() == Code::kNotFound) continue;  // gone meanwhile
    if (!program) return std::unexpected(program.error());
    ASSIGN_OR_RETURN(const bpf_prog_info info, ReadInfo(*program));
    if (NameOf(info) == kName) ours.push_back({std::move(*program), id});
  }
  return ours;
}

Result<> Change(bpf_cmd command, const UniqueFd& group, const UniqueFd& program, uint32_t flags) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(group.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = flags;
  RETURN_IF_ERROR(Bpf(command, attributes,
                      command == BPF_PROG_ATTACH ? "attach the device program"
                                                 : "detach the earlier device program"));
  return {};
}

}  // namespace

Result<std::vector<bpf_insn>> MakeDeviceProgram(const std::vector<DeviceRule>& rules) {
  // Source: struct bpf_cgroup_dev_ctx: the lower half of access_type is the type.
  constexpr int kHalf = 16;
  std::vector<bpf_insn> program{Load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
                                Copy(kAccess, kType),
                                Compute(BPF_AND, kType, (1 << kHalf) - 1),
                                Compute(BPF_RSH, kAccess, kHalf),
                                Load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
                                Load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor))};
  for (const DeviceRule& rule : rules) {
    if (rule.major.value_or(0) > kMaxMajor || rule.minor.value_or(0) > kMaxMinor) {
      return Fail(Code::kInvalidArgument, "there is no device {}", ToLine(rule));
    }
    AppendRule(rule, program);
  }
  AppendAnswer(false, program);
  return program;
}

Result<UniqueFd> LoadDeviceProgram(const std::vector<bpf_insn>& program) {
  static constexpr char kLicense[] = "Apache-2.0";  // it calls none of the kernel's GPL functions
  std::array<char, 4096> words{};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = AddressOf(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = AddressOf(kLicense);
  kName.copy(attributes.prog_name, sizeof attributes.prog_name - 1);
  auto loaded = Bpf(BPF_PROG_LOAD, attributes, "load the device program");
  if (loaded) return UniqueFd(*loaded);
  if (loaded.error().code() != Code::kInvalidArgument) return std::unexpected(loaded.error());
  attributes.log_buf = AddressOf(words.data());
  attributes.log_size = words.size();
  attributes.log_level = 1;
  loaded = Bpf(BPF_PROG_LOAD, attributes, "load the device program");
  if (loaded) return UniqueFd(*loaded);
  return Fail(Code::kInvalidArgument, "{}: {}", loaded.error().message(), words.data());
}

Result<> AttachDeviceProgram(const std::filesystem::path& folder, const UniqueFd& program) {
  const UniqueFd group(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group.valid()) return FailErrno("open {}", folder.native());
  ASSIGN_OR_RETURN(const std::vector<Attached> earlier, FindOurs(group));
  // All programs of a group must allow: with both there is no moment in which more is allowed.
  if (earlier.empty()) return Change(BPF_PROG_ATTACH, group, program, BPF_F_ALLOW_MULTI);
  ASSIGN_OR_RETURN(const bpf_prog_info info, ReadInfo(program));
  if (std::ranges::find(earlier, info.id, &Attached::id) == earlier.end()) {
    RETURN_IF_ERROR(Change(BPF_PROG_ATTACH, group, program, BPF_F_ALLOW_MULTI));
  }
  for (const Attached& old : earlier) {
    if (old.id != info.id) RETURN_IF_ERROR(Change(BPF_PROG_DETACH, group, old.program, 0));
  }
  return {};
}

}  // namespace trivet
