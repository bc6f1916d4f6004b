#include <algorithm>

#include "ctl/node/apply.h"
#include "ctl/node/pod_stop.h"

namespace trivet::ctl {
namespace {

using Kind = Record::Kind;

/// The records to undo, in no order within a kind.
struct Doomed {
  std::vector<Record> pods;
  std::vector<Record> claims;
  std::vector<Record> policies;
  std::vector<Record> namespaces;
};

Result<> AddNamed(Node& node, Kind kind, const Metadata& metadata, std::vector<Record>& out) {
  ASSIGN_OR_RETURN(auto record, node.records.Find(kind, metadata.name_space, metadata.name));
  const bool known = record && std::ranges::find(out, record->uid, &Record::uid) != out.end();
  if (record && !known) out.push_back(*std::move(record));
  return {};
}

// Everything of a kind that is in a namespace that goes.
Result<> AddContents(Node& node, Kind kind, const std::vector<Record>& namespaces,
                     std::vector<Record>& out) {
  ASSIGN_OR_RETURN(const auto records, node.records.List(kind));
  for (const Record& record : records) {
    if (std::ranges::find(namespaces, record.name_space, &Record::name) != namespaces.end()) {
      out.push_back(record);
    }
  }
  return {};
}

Result<Doomed> Find(Node& node, const Bundle& bundle) {
  Doomed doomed;
  for (const auto& item : bundle.namespaces) {
    RETURN_IF_ERROR(AddNamed(node, Kind::kNamespace, item.object, doomed.namespaces));
  }
  RETURN_IF_ERROR(AddContents(node, Kind::kPod, doomed.namespaces, doomed.pods));
  RETURN_IF_ERROR(AddContents(node, Kind::kClaim, doomed.namespaces, doomed.claims));
  RETURN_IF_ERROR(AddContents(node, Kind::kPolicy, doomed.namespaces, doomed.policies));
  for (const auto& item : bundle.pods) {
    RETURN_IF_ERROR(AddNamed(node, Kind::kPod, item.object.metadata, doomed.pods));
  }
  for (const auto& item : bundle.claims) {
    RETURN_IF_ERROR(AddNamed(node, Kind::kClaim, item.object.metadata, doomed.claims));
  }
  for (const auto& item : bundle.policies) {
    RETURN_IF_ERROR(AddNamed(node, Kind::kPolicy, item.object, doomed.policies));
  }
  return doomed;
}

// As the cluster protects a claim in use: asked before anything is undone.
Result<> CheckClaimsAreFree(Node& node, const Doomed& doomed) {
  ASSIGN_OR_RETURN(const auto pods, node.records.List(Kind::kPod));
  for (const Record& claim : doomed.claims) {
    for (const Record& pod : pods) {
      const bool uses = pod.name_space == claim.name_space &&
                        std::ranges::find(pod.claims, claim.name) != pod.claims.end();
      const bool goes = std::ranges::find(doomed.pods, pod.uid, &Record::uid) != doomed.pods.end();
      if (!uses || goes) continue;
      return Fail(Code::kFailedPrecondition, "delete claim {}: pod {} uses it", claim.Path(),
                  pod.Path());
    }
  }
  return {};
}

Result<> DeletePod(Node& node, const Record& record) {
  RETURN_IF_ERROR(StopPod(node, record));
  RETURN_IF_ERROR(node.policies.Remove(record));
  return node.records.Remove(record);
}

Result<> DeleteClaim(Node& node, const Record& record) {
  RETURN_IF_ERROR(node.volumes.Delete(record));
  return node.records.Remove(record);
}

Result<> DeleteManifest(Node& node, const Record& record, std::string_view step) {
  const auto start = Report::Clock::now();
  RETURN_IF_ERROR(node.policies.Remove(record));
  RETURN_IF_ERROR(node.records.Remove(record));
  node.report.Done(step, record.Path(), "", start);
  return {};
}

}  // namespace

Result<> Delete(Node& node, const Bundle& bundle) {
  ASSIGN_OR_RETURN(const Doomed doomed, Find(node, bundle));
  RETURN_IF_ERROR(CheckClaimsAreFree(node, doomed));
  for (const Record& pod : doomed.pods) {
    RETURN_IF_ERROR(DeletePod(node, pod), "delete pod " + pod.Path());
  }
  for (const Record& claim : doomed.claims) {
    RETURN_IF_ERROR(DeleteClaim(node, claim), "delete claim " + claim.Path());
  }
  // Policies last: no pod is ever there without what restricts it.
  for (const Record& policy : doomed.policies) {
    RETURN_IF_ERROR(DeleteManifest(node, policy, "network policy deleted"));
  }
  for (const Record& name_space : doomed.namespaces) {
    RETURN_IF_ERROR(DeleteManifest(node, name_space, "namespace deleted"));
  }
  return {};
}

}  // namespace trivet::ctl
