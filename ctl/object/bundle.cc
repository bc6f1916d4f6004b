#include "ctl/object/bundle.h"

#include <array>
#include <set>

#include "ctl/object/policy.h"

namespace trivet::ctl {
namespace {

Result<> AddNamespace(Bundle& bundle, manifest::Document document, Fields fields) {
  ASSIGN_OR_RETURN(Metadata metadata, ReadMetadata(fields));
  if (metadata.name.size() > 63 || metadata.name.find('.') != std::string::npos) {
    return fields.Complain("metadata.name", "a namespace's name has at most 63 characters, no dot");
  }
  metadata.name_space.clear();
  fields.Accept({"spec"});  // finalizers: the API server's
  RETURN_IF_ERROR(fields.Finish());
  bundle.namespaces.push_back(
      {std::move(metadata), std::move(document.object), std::move(document.origin)});
  return {};
}

Result<> AddPolicy(Bundle& bundle, manifest::Document document, Fields fields) {
  ASSIGN_OR_RETURN(Metadata metadata, ReadPolicy(std::move(fields)));
  bundle.policies.push_back(
      {std::move(metadata), std::move(document.object), std::move(document.origin)});
  return {};
}

Result<> AddClaim(Bundle& bundle, manifest::Document document, Fields fields) {
  ASSIGN_OR_RETURN(Claim claim, ReadClaim(std::move(fields)));
  bundle.claims.push_back(
      {std::move(claim), std::move(document.object), std::move(document.origin)});
  return {};
}

Result<> AddPod(Bundle& bundle, manifest::Document document, Fields fields) {
  ASSIGN_OR_RETURN(Pod pod, ReadPod(std::move(fields)));
  bundle.pods.push_back({std::move(pod), std::move(document.object), std::move(document.origin)});
  return {};
}

struct Kind {
  std::string_view api_version;
  std::string_view kind;
  Result<> (*add)(Bundle&, manifest::Document, Fields);
};
constexpr std::array kKinds = {
    Kind{"v1", "Namespace", AddNamespace}, Kind{"networking.k8s.io/v1", "NetworkPolicy", AddPolicy},
    Kind{"v1", "PersistentVolumeClaim", AddClaim}, Kind{"v1", "Pod", AddPod}};

Result<> Add(Bundle& bundle, manifest::Document document) {
  const std::string kind = document.Kind();
  const std::string api_version = document.object.value("apiVersion", "");
  for (const Kind& known : kKinds) {
    if (known.kind != kind) continue;
    if (known.api_version != api_version) {
      return Fail(Code::kInvalidArgument, "{}: apiVersion: \"{}\" of {} is not {}", document.origin,
                  api_version, kind, known.api_version);
    }
    // The reader keeps a reference to the object, so it must not be the one that moves.
    const json::Value object = document.object;
    const std::string origin = document.origin;
    return known.add(bundle, std::move(document), Fields(object, origin, "", bundle.warnings));
  }
  return Fail(Code::kInvalidArgument,
              "{}: kind: {} is not one of Namespace, NetworkPolicy, PersistentVolumeClaim, Pod",
              document.origin, kind);
}

template <class T>
const Metadata& MetadataOf(const T& object) {
  return object.metadata;
}
const Metadata& MetadataOf(const Metadata& metadata) {
  return metadata;
}

template <class T>
Result<> RejectTwins(const std::vector<Sourced<T>>& objects) {
  std::set<std::string> names;
  for (const Sourced<T>& item : objects) {
    const std::string path = MetadataOf(item.object).Path();
    if (!names.insert(path).second) {
      return Fail(Code::kInvalidArgument, "{}: metadata.name: {} {} is there twice", item.origin,
                  item.manifest.value("kind", ""), path);
    }
  }
  return {};
}

}  // namespace

Result<Bundle> MakeBundle(std::vector<manifest::Document> documents) {
  Bundle bundle;
  for (manifest::Document& document : documents) RETURN_IF_ERROR(Add(bundle, std::move(document)));
  RETURN_IF_ERROR(RejectTwins(bundle.namespaces));
  RETURN_IF_ERROR(RejectTwins(bundle.policies));
  RETURN_IF_ERROR(RejectTwins(bundle.claims));
  RETURN_IF_ERROR(RejectTwins(bundle.pods));
  return bundle;
}

Result<Bundle> LoadBundle(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(auto documents, manifest::Load(path));
  if (documents.empty()) return Fail(Code::kInvalidArgument, "{}: no manifests", path.native());
  return MakeBundle(std::move(documents));
}

}  // namespace trivet::ctl
