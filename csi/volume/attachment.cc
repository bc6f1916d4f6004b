#include "csi/volume/attachment.h"

#include <algorithm>

#include "common/base/json.h"
#include "csi/volume/record_fields.h"

namespace trivet::csi {
namespace {

Result<> ReadStaging(const json::Value& root, Attachment& out) {
  const auto found = root.find("staging");
  if (found == root.end() || found->is_null()) return {};
  Staging staging;
  RETURN_IF_ERROR(json::ReadRequired(*found, "path", staging.path), "staging");
  ASSIGN_OR_RETURN(staging.use, fields::ReadUse(*found), "staging");
  out.staging = std::move(staging);
  return {};
}

Result<> ReadPublications(const json::Value& root, Attachment& out) {
  const auto found = root.find("publications");
  if (found == root.end() || !found->is_object()) {
    return Fail(Code::kInvalidArgument, "publications: want an object");
  }
  for (const auto& [target, value] : found->items()) {
    ASSIGN_OR_RETURN(out.publications[target], fields::ReadUse(value),
                     fmt::format("publications: {}", target));
  }
  return {};
}

Result<std::optional<Attachment>> Parse(std::string_view text, std::string_view boot_id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  std::string boot;
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "bootId", boot));
  if (boot != boot_id) return std::nullopt;
  RETURN_IF_ERROR(json::ReadRequired(root, "version", version));
  if (version != Attachment::kVersion) {
    return Fail(Code::kInvalidArgument, "version: unexpected {}", version);
  }
  Attachment attachment;
  RETURN_IF_ERROR(ReadStaging(root, attachment));
  RETURN_IF_ERROR(ReadPublications(root, attachment));
  RETURN_IF_ERROR(json::ReadOptional(root, "frozen", attachment.frozen));
  return attachment;
}

bool IsExclusive(const Use& use) {
  return use.capability.access_mode == AccessMode::kSingleNodeSingleWriter;
}

}  // namespace

std::string WriteAttachment(const Attachment& attachment, std::string_view boot_id) {
  json::Value root;
  root["version"] = Attachment::kVersion;
  root["bootId"] = boot_id;
  root["frozen"] = attachment.frozen;
  if (attachment.staging) {
    root["staging"] = fields::WriteUse(attachment.staging->use);
    root["staging"]["path"] = attachment.staging->path;
  }
  root["publications"] = json::Value::object();
  for (const auto& [target, use] : attachment.publications) {
    root["publications"][target] = fields::WriteUse(use);
  }
  return json::WritePretty(root);
}

Result<std::optional<Attachment>> ParseAttachment(std::string_view text, std::string_view boot_id) {
  auto attachment = Parse(text, boot_id);
  if (!attachment) return Fail(Code::kDataLoss, "{}", attachment.error().message());
  return attachment;
}

SecondPublish JudgePublish(const Attachment& attachment, const std::string& target,
                           const Use& use) {
  const auto& publications = attachment.publications;
  if (const auto found = publications.find(target); found != publications.end()) {
    return found->second == use ? SecondPublish::kSame : SecondPublish::kIncompatible;
  }
  const bool any_exclusive = std::ranges::any_of(
      publications, [](const auto& publication) { return IsExclusive(publication.second); });
  if (!publications.empty() && (IsExclusive(use) || any_exclusive)) {
    return SecondPublish::kExclusive;
  }
  return SecondPublish::kAllowed;
}

}  // namespace trivet::csi
