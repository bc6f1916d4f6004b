#include "ctl/object/claim.h"

#include "ctl/object/quantity.h"

namespace trivet::ctl {
namespace {

Result<std::optional<int64_t>> ReadStorage(Fields& resources, std::string_view key) {
  ASSIGN_OR_RETURN(auto amounts, resources.Object(key));
  if (!amounts || !amounts->Has("storage")) return std::nullopt;
  auto text = QuantityText(amounts->object().at("storage"));
  if (!text) return amounts->Complain("storage", text.error().message());
  auto bytes = ParseQuantity(*text);
  if (!bytes) return amounts->Complain("storage", bytes.error().message());
  if (*bytes == 0) return amounts->Complain("storage", "zero");
  amounts->Accept({"storage"});
  RETURN_IF_ERROR(amounts->Finish());
  return *bytes;
}

Result<> ReadSize(Fields& spec, Claim& claim) {
  ASSIGN_OR_RETURN(auto resources, spec.Object("resources"));
  if (!resources) return spec.Complain("resources", "missing");
  ASSIGN_OR_RETURN(const auto request, ReadStorage(*resources, "requests"));
  if (!request) return resources->Complain("requests.storage", "missing");
  claim.request_bytes = *request;
  ASSIGN_OR_RETURN(claim.limit_bytes, ReadStorage(*resources, "limits"));
  if (claim.limit_bytes && *claim.limit_bytes < claim.request_bytes) {
    return resources->Complain("limits.storage", "less than the request");
  }
  return resources->Finish();
}

Result<> ReadModes(Fields& spec, Claim& claim) {
  RETURN_IF_ERROR(spec.Require("accessModes", claim.access_modes));
  if (claim.access_modes.empty()) return spec.Complain("accessModes", "empty");
  for (const std::string& mode : claim.access_modes) {
    if (mode != "ReadWriteOnce" && mode != "ReadOnlyMany" && mode != "ReadWriteMany" &&
        mode != "ReadWriteOncePod") {
      return spec.Complain("accessModes", fmt::format("\"{}\" is unknown", mode));
    }
  }
  std::string volume_mode = "Filesystem";
  RETURN_IF_ERROR(spec.Read("volumeMode", volume_mode));
  claim.block = volume_mode == "Block";
  if (!claim.block && volume_mode != "Filesystem") {
    return spec.Complain("volumeMode", "not one of Filesystem, Block");
  }
  return {};
}

}  // namespace

Result<Claim> ReadClaim(Fields document) {
  Claim claim;
  ASSIGN_OR_RETURN(claim.metadata, ReadMetadata(document));
  ASSIGN_OR_RETURN(auto spec, document.Object("spec"));
  if (!spec) return document.Complain("spec", "missing");
  RETURN_IF_ERROR(ReadSize(*spec, claim));
  RETURN_IF_ERROR(ReadModes(*spec, claim));
  spec->Warn({"storageClassName"}, "no classes here: the driver's defaults are used");
  RETURN_IF_ERROR(
      spec->Finish());  // dataSource, selector, volumeName: another volume than asked for
  RETURN_IF_ERROR(document.Finish());
  return claim;
}

}  // namespace trivet::ctl
