#include "cni/ipam/requested.h"

#include "cni/net_conf.h"
#include "common/base/text.h"

namespace trivet::cni {

Result<RequestedIps> ReadRequestedIps(const json::Value& root) {
  RequestedIps requested;
  ASSIGN_OR_RETURN(const json::Value args, ReadObject(root, "args"));
  ASSIGN_OR_RETURN(const json::Value cni_args, ReadObject(args, "cni"), "args");
  RETURN_IF_ERROR(json::ReadOptional(cni_args, "ips", requested.args), "args.cni");
  ASSIGN_OR_RETURN(const json::Value runtime, ReadObject(root, "runtimeConfig"));
  RETURN_IF_ERROR(json::ReadOptional(runtime, "ips", requested.runtime), "runtimeConfig");
  return requested;
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : SplitAt(text, ',')) {
    const std::string_view plain = WithoutBlanks(part, " ");
    if (!plain.empty()) parts.emplace_back(plain);
  }
  return parts;
}

}  // namespace trivet::cni
