#include "common/linux/device_programs.h"

#include "common/linux/device_program.h"

namespace trivet {
namespace {

constexpr size_t kMostKept = 32;  // some 8 KiB of the kernel's each

}  // namespace

Result<std::shared_ptr<const UniqueFd>> DevicePrograms::Get(const std::vector<DeviceRule>& rules) {
  ASSIGN_OR_RETURN(const std::vector<bpf_insn> program, MakeDeviceProgram(rules));
  const std::string bytes(reinterpret_cast<const char*>(program.data()),
                          program.size() * sizeof(bpf_insn));
  const std::scoped_lock lock(mutex_);
  if (const auto found = loaded_.find(bytes); found != loaded_.end()) return found->second;
  ASSIGN_OR_RETURN(UniqueFd loaded, LoadDeviceProgram(program));
  if (loaded_.size() >= kMostKept) loaded_.clear();
  return loaded_[bytes] = std::make_shared<const UniqueFd>(std::move(loaded));
}

}  // namespace trivet
