#include "ctl/node/apply.h"

#include <algorithm>
#include <array>

#include "ctl/node/images.h"
#include "ctl/node/pod_start.h"

namespace trivet::ctl {
namespace {

using Kind = Record::Kind;

// Every cluster has them.
constexpr std::array<std::string_view, 4> kBornNamespaces = {"default", "kube-system",
                                                             "kube-public", "kube-node-lease"};

Result<> CheckNamespace(const Node& node, const Bundle& bundle, const std::string& name,
                        const std::string& origin) {
  if (std::ranges::find(kBornNamespaces, name) != kBornNamespaces.end()) return {};
  for (const auto& item : bundle.namespaces) {
    if (item.object.name == name) return {};
  }
  ASSIGN_OR_RETURN(const auto record, node.records.Find(Kind::kNamespace, "", name));
  if (record) return {};
  return Fail(Code::kNotFound, "{}: metadata.namespace: namespace \"{}\" does not exist", origin,
              name);
}

Result<> CheckClaims(const Node& node, const Bundle& bundle, const Sourced<Pod>& pod) {
  const std::string& name_space = pod.object.metadata.name_space;
  for (const Volume& volume : pod.object.volumes) {
    if (volume.kind != Volume::Kind::kClaim) continue;
    const bool in_bundle = std::ranges::any_of(bundle.claims, [&](const Sourced<Claim>& claim) {
      return claim.object.metadata.name_space == name_space &&
             claim.object.metadata.name == volume.claim_name;
    });
    if (in_bundle) continue;
    ASSIGN_OR_RETURN(const auto record,
                     node.records.Find(Kind::kClaim, name_space, volume.claim_name));
    if (record) continue;
    return Fail(Code::kNotFound, "{}: spec.volumes: claim {}/{} does not exist", pod.origin,
                name_space, volume.claim_name);
  }
  return {};
}

Result<> CheckImages(Node& node, const Sourced<Pod>& pod) {
  for (const auto* list : {&pod.object.init_containers, &pod.object.containers}) {
    for (const Container& container : *list) {
      ASSIGN_OR_RETURN(const auto image, EnsureImage(node.cri, container),
                       fmt::format("{}: container {}", pod.origin, container.name));
      RETURN_IF_ERROR(CheckNonRoot(pod.object, container, image), pod.origin);
    }
  }
  return {};
}

template <class T>
Result<> CheckUnchanged(const Node& node, Kind kind, const Metadata& metadata,
                        const Sourced<T>& item) {
  ASSIGN_OR_RETURN(const auto record, node.records.Find(kind, metadata.name_space, metadata.name));
  if (!record || record->manifest == item.manifest) return {};
  return Fail(Code::kAlreadyExists,
              "{}: {} {} is there with another manifest: delete it first (trivetctl delete -f …)",
              item.origin, item.manifest.value("kind", ""), metadata.Path());
}

// What can be known before anything is made.
Result<> Check(Node& node, const Bundle& bundle) {
  for (const auto& policy : bundle.policies) {
    RETURN_IF_ERROR(CheckNamespace(node, bundle, policy.object.name_space, policy.origin));
  }
  for (const auto& claim : bundle.claims) {
    const Metadata& metadata = claim.object.metadata;
    RETURN_IF_ERROR(CheckNamespace(node, bundle, metadata.name_space, claim.origin));
    RETURN_IF_ERROR(CheckUnchanged(node, Kind::kClaim, metadata, claim));
  }
  for (const auto& pod : bundle.pods) {
    const Metadata& metadata = pod.object.metadata;
    RETURN_IF_ERROR(CheckNamespace(node, bundle, metadata.name_space, pod.origin));
    RETURN_IF_ERROR(CheckUnchanged(node, Kind::kPod, metadata, pod));
    RETURN_IF_ERROR(CheckClaims(node, bundle, pod));
    RETURN_IF_ERROR(CheckImages(node, pod));
  }
  return {};
}

// The record comes first: from then on, `delete` knows what there may be to undo.
Result<Record> EnsureRecord(Node& node, Kind kind, const Metadata& metadata,
                            const json::Value& manifest, std::vector<std::string> claims = {}) {
  ASSIGN_OR_RETURN(auto known, node.records.Find(kind, metadata.name_space, metadata.name));
  if (known && known->manifest == manifest) return *std::move(known);
  Record record{.kind = kind,
                .name_space = metadata.name_space,
                .name = metadata.name,
                .manifest = manifest,
                .claims = std::move(claims)};
  if (known) {
    record.uid = known->uid;
  } else {
    ASSIGN_OR_RETURN(record.uid, MakeUid());
  }
  RETURN_IF_ERROR(node.records.Put(record));
  return record;
}

// Namespaces and policies are what the policy agent knows of them; both may change.
Result<> ApplyManifest(Node& node, Kind kind, const Sourced<Metadata>& item,
                       std::string_view step) {
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const Record record, EnsureRecord(node, kind, item.object, item.manifest));
  RETURN_IF_ERROR(node.policies.Put(record));
  node.report.Done(step, record.Path(), "", start);
  return {};
}

Result<> ApplyClaim(Node& node, const Sourced<Claim>& item) {
  ASSIGN_OR_RETURN(Record record,
                   EnsureRecord(node, Kind::kClaim, item.object.metadata, item.manifest));
  return node.volumes.Create(item.object, record);
}

std::vector<std::string> ClaimsOf(const Pod& pod) {
  std::vector<std::string> claims;
  for (const Volume& volume : pod.volumes) {
    if (volume.kind == Volume::Kind::kClaim) claims.push_back(volume.claim_name);
  }
  return claims;
}

Result<> ApplyPod(Node& node, const Sourced<Pod>& item) {
  ASSIGN_OR_RETURN(const Record record, EnsureRecord(node, Kind::kPod, item.object.metadata,
                                                     item.manifest, ClaimsOf(item.object)));
  return StartPod(node, item.object, record);
}

Result<> AwaitPods(Node& node, const Bundle& bundle, std::chrono::milliseconds timeout) {
  for (const auto& pod : bundle.pods) {
    const auto start = Report::Clock::now();
    const Metadata& metadata = pod.object.metadata;
    ASSIGN_OR_RETURN(const auto record,
                     node.records.Find(Kind::kPod, metadata.name_space, metadata.name));
    if (!record) return Fail(Code::kAborted, "pod {}: deleted meanwhile", metadata.Path());
    RETURN_IF_ERROR(AwaitPod(node, pod.object, *record, timeout));
    node.report.Done("pod runs", metadata.Path(), "", start);
  }
  return {};
}

}  // namespace

Result<> Apply(Node& node, const Bundle& bundle,
               std::optional<std::chrono::milliseconds> wait_timeout) {
  RETURN_IF_ERROR(Check(node, bundle));
  for (const auto& item : bundle.namespaces) {
    RETURN_IF_ERROR(ApplyManifest(node, Kind::kNamespace, item, "namespace"), item.origin);
  }
  for (const auto& item : bundle.policies) {
    RETURN_IF_ERROR(ApplyManifest(node, Kind::kPolicy, item, "network policy"), item.origin);
  }
  for (const auto& item : bundle.claims) RETURN_IF_ERROR(ApplyClaim(node, item), item.origin);
  for (const auto& item : bundle.pods) RETURN_IF_ERROR(ApplyPod(node, item), item.origin);
  if (wait_timeout) return AwaitPods(node, bundle, *wait_timeout);
  return {};
}

}  // namespace trivet::ctl
