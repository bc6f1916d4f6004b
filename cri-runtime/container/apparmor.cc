#include "cri-runtime/container/apparmor.h"

#include "common/base/text.h"

namespace trivet::container {

// A name may have spaces and parentheses; the mode has none.
bool IsProfileLoaded(std::string_view profiles, std::string_view name) {
  for (const std::string_view line : SplitAt(profiles, '\n')) {
    const size_t mode = line.rfind(" (");
    if (mode != std::string_view::npos && line.substr(0, mode) == name) return true;
  }
  return false;
}

Result<std::string> FindDefaultProfile(const Result<std::string>& profiles) {
  constexpr const char* kName = "trivet-default";
  if (!profiles && profiles.error().code() == Code::kNotFound) return std::string();
  RETURN_IF_ERROR(profiles);
  if (IsProfileLoaded(*profiles, kName)) return std::string(kName);
  return Fail(Code::kFailedPrecondition,
              "no AppArmor profile \"{0}\" is loaded: apparmor_parser -r /etc/apparmor.d/{0}",
              kName);
}

}  // namespace trivet::container
