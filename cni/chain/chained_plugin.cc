#include "cni/chain/chained_plugin.h"

#include <algorithm>

#include "cni/attachment_store.h"
#include "cni/failures.h"
#include "common/linux/file.h"

namespace trivet::cni {

ChainedPlugin::ChainedPlugin(const NetConf& conf, const Environment& environment,
                             std::string_view type)
    : conf_(conf),
      environment_(environment),
      type_(type),
      paths_(conf.state_folder),
      store_(paths_, type) {}

AttachmentKey ChainedPlugin::Key() const {
  return {conf_.name, environment_.container_id, environment_.ifname};
}

Result<> ChainedPlugin::RequirePrevious() const {
  if (conf_.previous) return {};
  return Fail(Code::kInvalidArgument, "prevResult: missing; {} comes after another plugin", type_);
}

// Unchanged where the version is, with what of it we do not know.
json::Value ChainedPlugin::PassOn() const {
  json::Value result = conf_.root["prevResult"];
  const std::string version(Name(conf_.version));
  if (result.value("cniVersion", json::Value(version)) != version) {
    return ToJson(*conf_.previous, conf_.version);
  }
  result["cniVersion"] = version;
  return result;
}

Result<json::Value> ChainedPlugin::Add() {
  RETURN_IF_ERROR(RequirePrevious());
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, Key()));
  ASSIGN_OR_RETURN(const auto leftover, store_.Read(Key()));
  if (leftover) RETURN_IF_ERROR(Forget(*leftover), "undo an earlier ADD");

  json::Value result = PassOn();
  ChainRecord record{.key = Key(), .boot_id = {}, .made = {}};
  ASSIGN_OR_RETURN(record.made, Plan(*conf_.previous));
  if (record.made.is_null()) return result;
  ASSIGN_OR_RETURN(record.boot_id, ReadBootId());
  RETURN_IF_ERROR(store_.Write(record), "record");
  auto made = Make(record.made, result);
  if (made) return result;
  auto undone = Forget(record);
  if (undone) undone = ReleaseShared();
  if (undone) return std::unexpected(std::move(made).error());
  return std::unexpected(Error(
      made.error().code(),
      fmt::format("{}; and undoing it: {}", made.error().message(), undone.error().message())));
}

// A reboot has undone what the record tells of.
Result<> ChainedPlugin::Forget(const ChainRecord& record) {
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  if (record.boot_id == boot_id) RETURN_IF_ERROR(Undo(record.key, record.made));
  return store_.Remove(record.key);
}

Result<> ChainedPlugin::Del() {
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, Key()));
  ASSIGN_OR_RETURN(const auto record, store_.Read(Key()));
  if (record) {
    RETURN_IF_ERROR(Forget(*record));
  } else {
    RETURN_IF_ERROR(UndoUnrecorded(Key()));
    RETURN_IF_ERROR(store_.Remove(Key()));
  }
  return ReleaseShared();  // also when a DEL that was killed had removed the record
}

Result<> ChainedPlugin::Check() {
  RETURN_IF_ERROR(RequirePrevious());
  ASSIGN_OR_RETURN(const auto record, store_.Read(Key()));
  if (record) return Verify(record->made, *conf_.previous);
  ASSIGN_OR_RETURN(const json::Value wanted, Plan(*conf_.previous));
  if (wanted.is_null()) return {};
  return Fail(Code::kFailedPrecondition, "{} has no record of this attachment", type_);
}

Result<> ChainedPlugin::Gc() {
  ASSIGN_OR_RETURN(const std::vector<ChainRecord> records, store_.List(conf_.name));
  Failures failures;
  std::vector<AttachmentKey> kept = conf_.valid_attachments;
  for (const ChainRecord& record : records) {
    if (std::find(kept.begin(), kept.end(), record.key) != kept.end()) continue;
    if (!failures.Add(Forget(record))) kept.push_back(record.key);  // the next GC's
  }
  failures.Add(Sweep(kept));
  failures.Add(store_.RemoveStray(conf_.name, kept));
  failures.Add(ReleaseShared());
  return std::move(failures).Result();
}

}  // namespace trivet::cni
