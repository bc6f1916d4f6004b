#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

/// The objects of one manifest file that the agent cares for, each with its "file:line".
struct ManifestObjects {
  template <class T>
  using Located = std::pair<std::string, T>;
  std::vector<Located<Pod>> pods;
  std::vector<Located<std::pair<std::string, Labels>>> namespaces;
  std::vector<Located<NetworkPolicy>> policies;
};

/// Other kinds are skipped. Errors: kNotFound; kFailedPrecondition for what is no regular file;
/// kInvalidArgument "web.yaml:12: NetworkPolicy spec.ingress[0]: ...".
Result<ManifestObjects> ReadManifestFile(const std::filesystem::path& file);

/// Adds the objects to the cluster. An object that is there already stays as it is; the answer
/// tells of each.
std::vector<std::string> AddTo(Cluster& cluster, const ManifestObjects& objects);

}  // namespace trivet::netpolicy
