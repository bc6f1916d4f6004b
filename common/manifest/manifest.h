#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"

/// Kubernetes manifests from files and folders, as JSON.
namespace trivet::manifest {

/// One object of a manifest file. `origin` is "examples/notes/pod.yaml:12", the
/// file and the line where the document starts: put it in front of every complaint.
struct Document {
  std::string origin;
  json::Value object;  // has string members apiVersion and kind, and metadata.name

  [[nodiscard]] std::string Kind() const { return object.at("kind").get<std::string>(); }
};

/// Reads `path`: a file (or a pipe), or every *.yaml, *.yml and *.json of a folder in name
/// order, regular files all. Empty documents are skipped, `kind: List` is unfolded.
/// YAML 1.2 core types as kubectl reads them: quoted scalars stay strings;
/// aliases are limited (1,000 nodes of one anchor tree) and tags are refused.
/// Errors: kNotFound; kInvalidArgument "file:line: field: reason".
Result<std::vector<Document>> Load(const std::filesystem::path& path);

/// As Load, for one file, which must be a regular one or a link to one: no pipe is waited for.
/// Errors: as Load; kFailedPrecondition for another kind of file.
Result<std::vector<Document>> LoadRegular(const std::filesystem::path& file);

/// As Load, for text; `name` stands for the file name.
Result<std::vector<Document>> Parse(std::string_view text, std::string_view name);

/// One YAML (or JSON) document of any form, converted as above.
/// Errors: kInvalidArgument "name:line: field: reason", also when there are several documents.
Result<json::Value> ParseYaml(std::string_view text, std::string_view name);

}  // namespace trivet::manifest
