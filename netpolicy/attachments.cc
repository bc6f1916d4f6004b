#include "netpolicy/attachments.h"

#include <algorithm>
#include <cctype>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "netpolicy/paths.h"
#include "netpolicy/plan/set_builder.h"

namespace trivet::netpolicy {
namespace {

constexpr int kRecordVersion = 1;
constexpr std::string_view kRecordSuffix = ".json";
constexpr size_t kMaxNameBytes = 255;      // as trivet-cni takes them
constexpr size_t kMaxInterfaceBytes = 15;  // IFNAMSIZ - 1
constexpr size_t kMaxPodNameBytes = 253;
constexpr size_t kMaxAddresses = 16;

// The characters of CNI's names (SPEC 1.1.0, parameters), which a file name can have.
Result<> CheckName(std::string_view name, std::string_view field,
                   size_t max_bytes = kMaxNameBytes) {
  const bool allowed = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (name.empty() || name.size() > max_bytes || !allowed || name.starts_with('.')) {
    return Fail(Code::kInvalidArgument, "{}: '{}' is not a name", field, name);
  }
  return {};
}

Result<> CheckAttachment(const policy::Attachment& attachment) {
  RETURN_IF_ERROR(CheckName(attachment.network, "network"));
  RETURN_IF_ERROR(CheckName(attachment.container_id, "container id"));
  return CheckName(attachment.ifname, "interface", kMaxInterfaceBytes);
}

Result<LocalAddresses> ParseAddresses(const policy::Request& request) {
  LocalAddresses local{.pod = {request.pod_namespace, request.pod_name}, .uid = request.pod_uid};
  if (request.pod_namespace.empty() != request.pod_name.empty()) {
    return Fail(Code::kInvalidArgument, "pod: has only one of namespace and name");
  }
  if (std::max(request.pod_namespace.size(), request.pod_name.size()) > kMaxPodNameBytes) {
    return Fail(Code::kInvalidArgument, "pod: a name is longer than {} bytes", kMaxPodNameBytes);
  }
  if (request.addresses.empty() || request.addresses.size() > kMaxAddresses) {
    return Fail(Code::kInvalidArgument, "addresses: {}, 1 to {} expected", request.addresses.size(),
                kMaxAddresses);
  }
  for (const std::string& text : request.addresses) {
    ASSIGN_OR_RETURN(Address address, Address::Parse(text), "addresses");
    local.addresses.push_back(std::move(address));
  }
  return local;
}

json::Value ToRecord(const policy::Request& request, uint64_t sequence) {
  return {{"version", kRecordVersion},
          {"sequence", sequence},
          {"network", request.attachment.network},
          {"containerId", request.attachment.container_id},
          {"ifname", request.attachment.ifname},
          {"podNamespace", request.pod_namespace},
          {"podName", request.pod_name},
          {"podUid", request.pod_uid},
          {"addresses", request.addresses}};
}

Result<policy::Request> FromRecord(const json::Value& record) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(record, "version", version));
  if (version != kRecordVersion) {
    return Fail(Code::kInvalidArgument, "version: {} is not {}", version, kRecordVersion);
  }
  policy::Request request;
  RETURN_IF_ERROR(json::ReadRequired(record, "network", request.attachment.network));
  RETURN_IF_ERROR(json::ReadRequired(record, "containerId", request.attachment.container_id));
  RETURN_IF_ERROR(json::ReadRequired(record, "ifname", request.attachment.ifname));
  RETURN_IF_ERROR(json::ReadRequired(record, "podNamespace", request.pod_namespace));
  RETURN_IF_ERROR(json::ReadRequired(record, "podName", request.pod_name));
  RETURN_IF_ERROR(json::ReadRequired(record, "podUid", request.pod_uid));
  RETURN_IF_ERROR(json::ReadRequired(record, "addresses", request.addresses));
  return request;
}

// Everything but the lock is a boot's folder.
Result<> RemoveAllBut(const std::filesystem::path& directory, const std::string& boot_id) {
  ASSIGN_OR_RETURN(const auto names, ListDirectory(directory));
  for (const std::string& name : names) {
    if (name != kLockName && name != boot_id) RETURN_IF_ERROR(RemoveTree(directory / name));
  }
  return {};
}

}  // namespace

Result<Attachments> Attachments::Open(const std::filesystem::path& state_directory) {
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  RETURN_IF_ERROR(EnsureDirectory(state_directory / boot_id));
  RETURN_IF_ERROR(RemoveAllBut(state_directory, boot_id), "records of earlier boots");
  RETURN_IF_ERROR(RemoveAbandonedSiblings(state_directory / boot_id), "records");
  return Read(state_directory);
}

Result<Attachments> Attachments::Read(const std::filesystem::path& state_directory) {
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  Attachments attachments(state_directory / boot_id);
  auto loaded = attachments.LoadAll();
  if (!loaded && loaded.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(loaded).error());
  }
  return attachments;
}

Result<> Attachments::LoadAll() {
  ASSIGN_OR_RETURN(const auto names, ListDirectory(directory_));
  for (const std::string& name : names) {
    if (!name.ends_with(kRecordSuffix)) continue;
    auto loaded = Load(name);
    if (!loaded && loaded.error().code() == Code::kNotFound) continue;  // removed meanwhile
    RETURN_IF_ERROR(std::move(loaded), (directory_ / name).native());
  }
  return {};
}

Result<> Attachments::RemoveAll(const std::filesystem::path& state_directory) {
  return RemoveAllBut(state_directory, "");
}

Result<> Attachments::Load(const std::string& file_name) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(directory_ / file_name));
  ASSIGN_OR_RETURN(const json::Value record, json::Parse(text));
  ASSIGN_OR_RETURN(const policy::Request request, FromRecord(record));
  ASSIGN_OR_RETURN(auto local, ParseAddresses(request));
  const policy::Attachment& one = request.attachment;
  uint64_t sequence = 0;
  RETURN_IF_ERROR(json::ReadRequired(record, "sequence", sequence));
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  records_.insert_or_assign({one.network, one.container_id, one.ifname},
                            Record{sequence, std::move(local)});
  return {};
}

std::filesystem::path Attachments::FileOf(const Key& key) const {
  const auto& [network, container_id, ifname] = key;
  constexpr size_t kMaxFileNameBytes = 200;  // 255, and room for the sibling's while it is written
  const std::string whole = fmt::format("{}@{}@{}", network, container_id, ifname);
  const bool fits = whole.size() + kRecordSuffix.size() <= kMaxFileNameBytes;
  const std::string name = fits ? whole : ContentName("attachment", whole);
  return directory_ / fmt::format("{}{}", name, kRecordSuffix);
}

Result<> Attachments::Save(const policy::Request& request) {
  RETURN_IF_ERROR(CheckAttachment(request.attachment));
  ASSIGN_OR_RETURN(auto local, ParseAddresses(request));
  const Key key{request.attachment.network, request.attachment.container_id,
                request.attachment.ifname};
  RETURN_IF_ERROR(
      WriteFileVolatile(FileOf(key), json::WritePretty(ToRecord(request, next_sequence_))),
      "record attachment");
  records_.insert_or_assign(key, Record{next_sequence_++, std::move(local)});
  return {};
}

Result<> Attachments::Remove(const policy::Attachment& attachment) {
  const Key key{attachment.network, attachment.container_id, attachment.ifname};
  if (!records_.contains(key)) return {};
  RETURN_IF_ERROR(RemoveFile(FileOf(key)), "forget attachment");
  records_.erase(key);
  return {};
}

const LocalAddresses* Attachments::Find(const policy::Attachment& attachment) const {
  const auto found =
      records_.find({attachment.network, attachment.container_id, attachment.ifname});
  return found == records_.end() ? nullptr : &found->second.local;
}

std::vector<LocalAddresses> Attachments::Addresses() const {
  std::vector<const Record*> ordered;
  for (const auto& [key, record] : records_) ordered.push_back(&record);
  std::sort(ordered.begin(), ordered.end(),
            [](const Record* a, const Record* b) { return a->sequence < b->sequence; });
  std::vector<LocalAddresses> all;
  all.reserve(ordered.size());
  for (const Record* record : ordered) all.push_back(record->local);
  return all;
}

std::vector<policy::Attachment> Attachments::OfNetwork(const std::string& network) const {
  std::vector<policy::Attachment> found;
  for (const auto& [key, record] : records_) {
    const auto& [of, container_id, ifname] = key;
    if (of == network) found.push_back({of, container_id, ifname});
  }
  return found;
}

}  // namespace trivet::netpolicy
