#pragma once

#include <map>
#include <string>

#include "common/base/error.h"
#include "ctl/object/fields.h"

namespace trivet::ctl {

/// Who an object is. Namespaces are in no namespace.
struct Metadata {
  std::string name;
  std::string name_space;  // "namespace"; "default" when absent
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;

  /// "notes/server", as people name it.
  [[nodiscard]] std::string Path() const {
    return name_space.empty() ? name : name_space + "/" + name;
  }
};

/// Reads `metadata` of a document. Fields that the API server fills in are accepted, so
/// that the output of `kubectl get -o yaml` plays, too.
Result<Metadata> ReadMetadata(Fields& document);

}  // namespace trivet::ctl
