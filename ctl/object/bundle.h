#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/manifest/manifest.h"
#include "ctl/object/claim.h"
#include "ctl/object/metadata.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// An object of a manifest together with the manifest itself.
template <class T>
struct Sourced {
  T object;
  json::Value manifest;
  std::string origin;  // "pod.yaml:3"
};

/// Everything that one `-f` names, read and checked; nothing has been done yet.
struct Bundle {
  std::vector<Sourced<Metadata>> namespaces;
  std::vector<Sourced<Metadata>> policies;  // the policy agent reads their spec
  std::vector<Sourced<Claim>> claims;
  std::vector<Sourced<Pod>> pods;
  Warnings warnings;
};

/// Reads a file or folder of manifests. Errors: kInvalidArgument "file:line: field:
/// reason" for the first complaint; also for a kind that is not played and for an
/// object that is there twice.
Result<Bundle> LoadBundle(const std::filesystem::path& path);

/// As LoadBundle, for documents that were read already.
Result<Bundle> MakeBundle(std::vector<manifest::Document> documents);

}  // namespace trivet::ctl
