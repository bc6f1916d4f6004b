#include "common/linux/device_rules.h"

#include <array>

#include "common/linux/device_program.h"
#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

constexpr uint32_t kMake = BPF_DEVCG_ACC_MKNOD;
constexpr uint32_t kRead = BPF_DEVCG_ACC_READ;
constexpr uint32_t kWrite = BPF_DEVCG_ACC_WRITE;
constexpr uint32_t kChar = BPF_DEVCG_DEV_CHAR;
constexpr uint32_t kBlock = BPF_DEVCG_DEV_BLOCK;

constexpr DeviceRule kDiskToRead{.block = true, .major = 7, .minor = 3, .read = true};

// The processor that the kernel has for these programs, as far as they use it. 1 is yes; -1 for
// what the kernel would refuse to load.
class Machine {
 public:
  explicit Machine(bpf_cgroup_dev_ctx context) : context_(context) {}

  int Run(const std::vector<bpf_insn>& program) {
    for (size_t at = 0; at < program.size(); ++at) {
      const bpf_insn& instruction = program[at];
      if (instruction.code == (BPF_JMP | BPF_EXIT)) return static_cast<int>(registers_[0]);
      if (instruction.code == (BPF_JMP | BPF_JNE | BPF_K)) {
        const bool jumps = registers_[instruction.dst_reg] !=
                           static_cast<uint64_t>(static_cast<int64_t>(instruction.imm));
        if (instruction.off < 0) return -1;
        at += jumps ? static_cast<size_t>(instruction.off) : 0;
      } else if (!Compute(instruction)) {
        return -1;
      }
    }
    return -1;  // it ran out of the program
  }

 private:
  bool Compute(const bpf_insn& instruction) {
    uint64_t& to = registers_[instruction.dst_reg];
    const auto number = static_cast<uint32_t>(instruction.imm);
    switch (instruction.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        if (instruction.src_reg != BPF_REG_1 || overwritten_) return false;
        to = instruction.off == 0   ? context_.access_type
             : instruction.off == 4 ? context_.major
                                    : context_.minor;
        return true;
      case BPF_ALU | BPF_MOV | BPF_X:
        to = static_cast<uint32_t>(registers_[instruction.src_reg]);
        break;
      case BPF_ALU | BPF_MOV | BPF_K:
        to = number;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        to = static_cast<uint32_t>(to) & number;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        to = static_cast<uint32_t>(to) >> number;
        break;
      default:
        return false;
    }
    overwritten_ = overwritten_ || instruction.dst_reg == BPF_REG_1;
    return true;
  }

  bpf_cgroup_dev_ctx context_;
  std::array<uint64_t, 11> registers_{};
  bool overwritten_ = false;  // R1, the context's address
};

int Ask(const std::vector<DeviceRule>& rules, uint32_t type, uint32_t access, uint32_t major,
        uint32_t minor) {
  const auto program = MakeDeviceProgram(rules);
  if (!program) return -1;
  return Machine({.access_type = access << 16 | type, .major = major, .minor = minor})
      .Run(*program);
}

TEST(MakeDeviceProgram, WithoutRulesAllowsNothing) {
  EXPECT_EQ(Ask({}, kChar, kRead, 1, 3), 0);
  EXPECT_EQ(Ask({}, kBlock, kMake, 8, 0), 0);
}

TEST(MakeDeviceProgram, AllowsADeviceInTheWayItWasGivenOnly) {
  EXPECT_EQ(Ask({kDiskToRead}, kBlock, kRead, 7, 3), 1);
  EXPECT_EQ(Ask({kDiskToRead}, kBlock, kWrite, 7, 3), 0);
  EXPECT_EQ(Ask({kDiskToRead}, kBlock, kRead | kWrite, 7, 3), 0);
  EXPECT_EQ(Ask({kDiskToRead}, kBlock, kRead, 7, 4), 0);
  EXPECT_EQ(Ask({kDiskToRead}, kBlock, kRead, 8, 3), 0);
  EXPECT_EQ(Ask({kDiskToRead}, kChar, kRead, 7, 3), 0);
}

TEST(MakeDeviceProgram, GoesOnToTheNextRuleWhenOneDoesNotFit) {
  const std::vector<DeviceRule> rules{kDiskToRead, {.major = 10, .write = true}, {.make = true}};
  EXPECT_EQ(Ask(rules, kChar, kWrite, 10, 200), 1);
  EXPECT_EQ(Ask(rules, kChar, kMake, 77, 7), 1);
  EXPECT_EQ(Ask(rules, kBlock, kMake, 7, 3), 0);
}

TEST(MakeDeviceProgram, GivesContainersTheirDefaultDevices) {
  const std::vector<DeviceRule> rules = DefaultDeviceRules();
  constexpr uint32_t kAll = kMake | kRead | kWrite;
  for (const uint32_t minor : {3U, 5U, 7U, 8U, 9U}) EXPECT_EQ(Ask(rules, kChar, kAll, 1, minor), 1);
  for (const uint32_t minor : {0U, 1U, 2U}) EXPECT_EQ(Ask(rules, kChar, kAll, 5, minor), 1);
  EXPECT_EQ(Ask(rules, kChar, kRead | kWrite, 136, 1000), 1);
  EXPECT_EQ(Ask(rules, kChar, kRead, 1, 1), 0) << "mem";
  EXPECT_EQ(Ask(rules, kChar, kRead, 10, 200), 0) << "net/tun";
  EXPECT_EQ(Ask(rules, kBlock, kRead, 8, 0), 0) << "sda";
  EXPECT_EQ(Ask(rules, kBlock, kMake, 8, 0), 1) << "made, not opened";
}

TEST(MakeDeviceProgram, RefusesNumbersThatNoDeviceHas) {
  EXPECT_THAT(MakeDeviceProgram({{.major = 4096, .minor = 0, .read = true}}),
              FailsWith(Code::kInvalidArgument, "there is no device c 4096:0 r"));
  EXPECT_THAT(MakeDeviceProgram({{.block = true, .minor = 1U << 20}}),
              FailsWith(Code::kInvalidArgument, "there is no device b *:1048576"));
}

TEST(MakeDeviceProgram, TakesAsManyRulesAsThereAreDevices) {
  std::vector<DeviceRule> rules;
  for (uint32_t minor = 0; minor < 4000; ++minor) rules.push_back({.major = 9, .minor = minor});
  rules.push_back(kDiskToRead);
  EXPECT_EQ(Ask(rules, kBlock, kRead, 7, 3), 1);
}

TEST(DeviceRule, IsALineOfDevicesAllow) {
  EXPECT_EQ(ToLine(kDiskToRead), "b 7:3 r");
  EXPECT_EQ(ToLine({.make = true}), "c *:* m");
  EXPECT_EQ(ToLine({.major = 136, .read = true, .write = true, .make = true}), "c 136:* rwm");
}

TEST(SetPermissions, TakesEachLetterOnceOrMore) {
  DeviceRule rule;
  ASSERT_THAT(SetPermissions(rule, "mrr"), IsOk());
  EXPECT_EQ(rule, (DeviceRule{.read = true, .make = true}));
  EXPECT_THAT(SetPermissions(rule, "rx"), FailsWith(Code::kInvalidArgument, "\"rx\""));
  EXPECT_THAT(SetPermissions(rule, ""), FailsWith(Code::kInvalidArgument, "permissions"));
}

}  // namespace
}  // namespace trivet
