#pragma once

#include <string_view>
#include <vector>

#include "cni/chain/chain_record.h"
#include "cni/paths.h"
#include "cni/plugin.h"

namespace trivet::cni {

/// What the types have in common that come after another one in a list and add something to its
/// interface: prevResult is passed on, and ADD is a transaction. Its record is on disk before
/// anything is made; a failure, DEL, GC, and an ADD that finds the record of another take the same
/// way back.
class ChainedPlugin : public Plugin {
 public:
  Result<json::Value> Add() final;
  Result<> Del() final;
  Result<> Check() final;
  Result<> Gc() final;
  Result<> Status() override { return {}; }

 protected:
  /// `conf` and `environment` are borrowed.
  ChainedPlugin(const NetConf& conf, const Environment& environment, std::string_view type);

  // What a type adds.

  /// What ADD is about to make, for the record: whatever Undo() needs. Makes nothing yet. Null when
  /// the configuration asks for nothing. Errors: as Plugin::Add().
  virtual Result<json::Value> Plan(const AddResult& previous) = 0;
  /// Makes it. `result` is what ADD will answer, prevResult so far.
  virtual Result<> Make(const json::Value& plan, json::Value& result) = 0;
  /// Undoes what Make() did, whole or in part, in this boot. Repeatable; what is gone is success.
  virtual Result<> Undo(const AttachmentKey& key, const json::Value& plan) = 0;
  /// What DEL can do when there is no record.
  virtual Result<> UndoUnrecorded(const AttachmentKey& /*key*/) { return {}; }
  /// Errors: kFailedPrecondition that names what of `plan` is missing or wrong.
  virtual Result<> Verify(const json::Value& plan, const AddResult& previous) = 0;
  /// After records were removed: what attachments shared and no record that is left needs. Other
  /// plugins run meanwhile: what they have a record of is needed.
  virtual Result<> ReleaseShared() { return {}; }
  /// At the end of GC: what has lost its record and belongs to none of `kept`.
  virtual Result<> Sweep(const std::vector<AttachmentKey>& /*kept*/) { return {}; }

  [[nodiscard]] const NetConf& conf() const { return conf_; }
  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const ChainStore& store() const { return store_; }
  [[nodiscard]] AttachmentKey Key() const;

 private:
  [[nodiscard]] Result<> RequirePrevious() const;
  [[nodiscard]] json::Value PassOn() const;
  Result<> Forget(const ChainRecord& record);

  const NetConf& conf_;
  const Environment& environment_;
  const std::string_view type_;
  const Paths paths_;
  const ChainStore store_;
};

}  // namespace trivet::cni
