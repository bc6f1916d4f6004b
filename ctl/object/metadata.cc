#include "ctl/object/metadata.h"

#include "ctl/object/labels.h"

namespace trivet::ctl {

Result<Metadata> ReadMetadata(Fields& document) {
  document.Accept({"apiVersion", "kind", "status"});
  ASSIGN_OR_RETURN(auto fields, document.Object("metadata"));
  if (!fields) return document.Complain("metadata", "missing");

  Metadata metadata;
  RETURN_IF_ERROR(ReadSubdomainName(*fields, "name", metadata.name));
  if (fields->Has("namespace")) {
    RETURN_IF_ERROR(ReadLabelName(*fields, "namespace", metadata.name_space));
  } else {
    metadata.name_space = "default";
  }
  RETURN_IF_ERROR(ReadLabels(*fields, "labels", metadata.labels));
  RETURN_IF_ERROR(fields->Read("annotations", metadata.annotations));
  fields->Accept({"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
                  "selfLink", "finalizers", "ownerReferences", "generateName", "deletionTimestamp",
                  "deletionGracePeriodSeconds"});
  RETURN_IF_ERROR(fields->Finish());
  return metadata;
}

}  // namespace trivet::ctl
