#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"
#include "ctl/object/metadata.h"

namespace trivet::ctl {

/// What was applied, written before it is acted on and removed after it was undone.
struct Record {
  enum class Kind { kNamespace, kPolicy, kClaim, kPod };

  Kind kind = Kind::kPod;
  std::string name_space;  // empty for namespaces
  std::string name;
  std::string uid;  // what the API server would have given it
  json::Value manifest;

  // Of claims, once the driver has made the volume.
  std::string volume_id;
  std::map<std::string, std::string> volume_context;
  // Of pods: names of the claims whose volumes it may have published.
  std::vector<std::string> claims;

  [[nodiscard]] std::string Path() const {
    return name_space.empty() ? name : name_space + "/" + name;
  }
  /// The object that a kubelet would see: the manifest with its uid and namespace.
  [[nodiscard]] json::Value Object() const;
};

/// The records of one state folder:
///
///   <state>/                          0700
///     lock                            held by one run or delete at a time
///     records/namespaces/<name>.json
///     records/{policies,claims,pods}/<namespace>_<name>.json
///     kubelet/pods/<uid>/             volumes, etc-hosts: what a kubelet keeps
///     kubelet/plugins/                where CSI volumes are staged
///     logs/<namespace>_<name>_<uid>/  the pod's logs
class Records {
 public:
  explicit Records(std::filesystem::path state_directory) : state_(std::move(state_directory)) {}

  Result<std::optional<Record>> Find(Record::Kind kind, const std::string& name_space,
                                     const std::string& name) const;
  /// Sorted by path. Errors: kFailedPrecondition for one of a newer version.
  Result<std::vector<Record>> List(Record::Kind kind) const;
  /// Durable when it returns.
  Result<> Put(const Record& record) const;
  /// Absent is success.
  Result<> Remove(const Record& record) const;
  /// Removes what a Put that was killed left. The caller holds the state folder's lock.
  Result<> Tidy() const;

 private:
  [[nodiscard]] std::filesystem::path Folder(Record::Kind kind) const;
  [[nodiscard]] std::filesystem::path File(Record::Kind kind, const std::string& name_space,
                                           const std::string& name) const;
  std::filesystem::path state_;
};

/// Random, in the form that Kubernetes uses (RFC 4122 version 4).
Result<std::string> MakeUid();

}  // namespace trivet::ctl
