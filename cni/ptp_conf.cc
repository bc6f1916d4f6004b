#include "cni/ptp_conf.h"

namespace trivet::cni {
namespace {

using json::ReadOptional;

Result<PtpConf::Mode> ReadMode(const json::Value& root) {
  std::string mode = "subnet";
  RETURN_IF_ERROR(ReadOptional(root, "mode", mode));
  if (mode == "subnet") return PtpConf::Mode::kSubnet;
  if (mode == "routed") return PtpConf::Mode::kRouted;
  return Fail(Code::kInvalidArgument, "mode: '{}' is neither subnet nor routed", mode);
}

}  // namespace

Result<PtpConf> ParsePtpConf(const NetConf& conf, const Environment& environment) {
  PtpConf ptp;
  ASSIGN_OR_RETURN(ptp.mode, ReadMode(conf.root));
  ASSIGN_OR_RETURN(ptp.masquerade, ReadMasquerade(conf.root));
  ASSIGN_OR_RETURN(ptp.mtu_bytes, ReadMtu(conf.root));
  ASSIGN_OR_RETURN(ptp.mac, ReadRequestedMac(conf.root, environment));
  if (conf.ipam_type.empty()) return Fail(Code::kInvalidArgument, "ipam: type: missing");
  return ptp;
}

}  // namespace trivet::cni
