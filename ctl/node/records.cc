#include "ctl/node/records.h"

#include <sys/random.h>

#include <array>

#include "common/linux/file.h"

namespace trivet::ctl {
namespace {

constexpr int kVersion = 1;
constexpr std::array kKindNames = {"Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Pod"};
constexpr std::array kFolderNames = {"namespaces", "policies", "claims", "pods"};

json::Value ToJson(const Record& record) {
  return {{"version", kVersion},
          {"kind", kKindNames[static_cast<size_t>(record.kind)]},
          {"namespace", record.name_space},
          {"name", record.name},
          {"uid", record.uid},
          {"manifest", record.manifest},
          {"volumeId", record.volume_id},
          {"volumeContext", record.volume_context},
          {"claims", record.claims}};
}

Result<Record> FromJson(const json::Value& value, Record::Kind kind) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(value, "version", version));
  if (version > kVersion) {
    return Fail(Code::kFailedPrecondition, "version {} is newer than this trivetctl", version);
  }
  Record record{.kind = kind};
  RETURN_IF_ERROR(json::ReadRequired(value, "namespace", record.name_space));
  RETURN_IF_ERROR(json::ReadRequired(value, "name", record.name));
  RETURN_IF_ERROR(json::ReadRequired(value, "uid", record.uid));
  RETURN_IF_ERROR(json::ReadRequired(value, "volumeId", record.volume_id));
  RETURN_IF_ERROR(json::ReadRequired(value, "volumeContext", record.volume_context));
  RETURN_IF_ERROR(json::ReadRequired(value, "claims", record.claims));
  record.manifest = value.value("manifest", json::Value::object());
  return record;
}

Result<Record> ReadRecord(const std::filesystem::path& file, Record::Kind kind) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ASSIGN_OR_RETURN(const json::Value value, json::Parse(text), "record " + file.native());
  return FromJson(value, kind);
}

}  // namespace

json::Value Record::Object() const {
  json::Value object = manifest;
  object["metadata"]["uid"] = uid;
  if (!name_space.empty()) object["metadata"]["namespace"] = name_space;
  return object;
}

std::filesystem::path Records::Folder(Record::Kind kind) const {
  return state_ / "records" / kFolderNames[static_cast<size_t>(kind)];
}

std::filesystem::path Records::File(Record::Kind kind, const std::string& name_space,
                                    const std::string& name) const {
  // No name has an underscore in it, so the two parts cannot run into each other.
  return Folder(kind) / ((name_space.empty() ? name : name_space + "_" + name) + ".json");
}

Result<std::optional<Record>> Records::Find(Record::Kind kind, const std::string& name_space,
                                            const std::string& name) const {
  auto record = ReadRecord(File(kind, name_space, name), kind);
  if (record) return std::optional(*std::move(record));
  if (record.error().code() == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(record).error());
}

Result<std::vector<Record>> Records::List(Record::Kind kind) const {
  std::vector<Record> records;
  auto names = ListDirectory(Folder(kind));
  if (!names && names.error().code() == Code::kNotFound) return records;
  if (!names) return std::unexpected(std::move(names).error());
  for (const std::string& name : *names) {
    if (!name.ends_with(".json") || name.starts_with('.')) continue;
    ASSIGN_OR_RETURN(Record record, ReadRecord(Folder(kind) / name, kind), "record " + name);
    records.push_back(std::move(record));
  }
  return records;
}

Result<> Records::Put(const Record& record) const {
  RETURN_IF_ERROR(EnsureDirectory(Folder(record.kind)), "record");
  return WriteFileAtomically(File(record.kind, record.name_space, record.name),
                             json::WritePretty(ToJson(record)));
}

Result<> Records::Remove(const Record& record) const {
  return RemoveFile(File(record.kind, record.name_space, record.name), true);
}

Result<> Records::Tidy() const {
  for (const char* folder : kFolderNames) {
    RETURN_IF_ERROR(RemoveAbandonedSiblings(state_ / "records" / folder), "records");
  }
  return {};
}

Result<std::string> MakeUid() {
  std::array<uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return FailErrno("getrandom");
  }
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string uid;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += fmt::format("{:02x}", bytes[i]);
  }
  return uid;
}

}  // namespace trivet::ctl
