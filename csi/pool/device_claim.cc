#include "csi/pool/device_claim.h"

#include "common/base/json.h"
#include "csi/volume/record_fields.h"

namespace trivet::csi {
namespace {

Result<DeviceClaim> ParseClaim(std::string_view text, std::string_view id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(fields::CheckVersion(root, DeviceClaim::kVersion));
  DeviceClaim claim;
  RETURN_IF_ERROR(json::ReadRequired(root, "id", claim.id));
  RETURN_IF_ERROR(json::ReadRequired(root, "pool", claim.pool));
  RETURN_IF_ERROR(json::ReadRequired(root, "device", claim.device));
  RETURN_IF_ERROR(json::ReadRequired(root, "identity", claim.identity));
  RETURN_IF_ERROR(json::ReadRequired(root, "sizeBytes", claim.size_bytes));
  RETURN_IF_ERROR(fields::CheckId(claim.id, id));
  RETURN_IF_ERROR(fields::CheckSize(claim.size_bytes));
  return claim;
}

}  // namespace

std::string DeviceClaim::Write() const {
  json::Value root;
  root["version"] = kVersion;
  root["id"] = id;
  root["pool"] = pool;
  root["device"] = device;
  root["identity"] = identity;
  root["sizeBytes"] = size_bytes;
  return json::WritePretty(root);
}

Result<DeviceClaim> DeviceClaim::Parse(std::string_view text, std::string_view id) {
  auto claim = ParseClaim(text, id);
  if (!claim) return Fail(Code::kDataLoss, "{}", claim.error().message());
  return claim;
}

}  // namespace trivet::csi
