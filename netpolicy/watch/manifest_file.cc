#include "netpolicy/watch/manifest_file.h"

#include <algorithm>
#include <cctype>

#include "common/manifest/manifest.h"
#include "netpolicy/model/parse.h"

namespace trivet::netpolicy {
namespace {

template <class T>
Result<> ParseInto(const manifest::Document& document, Result<T> (*parse)(const json::Value&),
                   std::vector<std::pair<std::string, T>>& out) {
  ASSIGN_OR_RETURN(T object, parse(document.object),
                   fmt::format("{}: {}", document.origin, document.Kind()));
  out.emplace_back(document.origin, std::move(object));
  return {};
}

// One of other kinds is nobody's here, but a "Networkpolicy" would be missing unseen.
Result<> CheckSpelling(std::string_view kind) {
  for (const std::string_view known : {"Pod", "Namespace", "NetworkPolicy"}) {
    const bool same = std::ranges::equal(kind, known, [](unsigned char a, unsigned char b) {
      return std::tolower(a) == std::tolower(b);
    });
    if (same && kind != known) {
      return Fail(Code::kInvalidArgument, "kind: '{}' is not {}", kind, known);
    }
  }
  return {};
}

template <class Map, class Key, class Value>
void AddOne(Map& map, const Key& key, const Value& value, std::string complaint,
            std::vector<std::string>& complaints) {
  if (!map.try_emplace(key, value).second) complaints.push_back(std::move(complaint));
}

std::string Twice(const std::string& origin, const ObjectName& name, std::string_view kind) {
  return fmt::format("{}: {} {}/{}: another manifest has it already", origin, kind, name.first,
                     name.second);
}

}  // namespace

Result<ManifestObjects> ReadManifestFile(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const auto documents, manifest::LoadRegular(file));
  ManifestObjects objects;
  for (const manifest::Document& document : documents) {
    const std::string kind = document.Kind();
    RETURN_IF_ERROR(CheckSpelling(kind), document.origin);
    if (kind == "Pod") RETURN_IF_ERROR(ParseInto(document, ParsePod, objects.pods));
    if (kind == "Namespace") {
      RETURN_IF_ERROR(ParseInto(document, ParseNamespace, objects.namespaces));
    }
    if (kind == "NetworkPolicy") {
      RETURN_IF_ERROR(ParseInto(document, ParseNetworkPolicy, objects.policies));
    }
  }
  return objects;
}

std::vector<std::string> AddTo(Cluster& cluster, const ManifestObjects& objects) {
  std::vector<std::string> complaints;
  for (const auto& [origin, pod] : objects.pods) {
    AddOne(cluster.pods, pod.name, pod, Twice(origin, pod.name, "Pod"), complaints);
  }
  for (const auto& [origin, one] : objects.namespaces) {
    AddOne(cluster.namespaces, one.first, one.second,
           fmt::format("{}: Namespace {}: another manifest has it already", origin, one.first),
           complaints);
  }
  for (const auto& [origin, policy] : objects.policies) {
    AddOne(cluster.policies, policy.name, policy, Twice(origin, policy.name, "NetworkPolicy"),
           complaints);
  }
  return complaints;
}

}  // namespace trivet::netpolicy
