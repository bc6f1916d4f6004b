#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"

/// CDI, the Container Device Interface: files in which vendors say what a device is made of.
/// Source: tags.cncf.io/container-device-interface, SPEC.md, versions 0.1.0 to 1.1.0.
namespace trivet::container::cdi {

/// What a device, or all devices of a file, add to a container.
struct Edits {
  std::vector<std::string> env;  // "NAME=value"
  std::vector<Device> devices;
  std::vector<Mount> mounts;
  std::vector<Hook> hooks;
  std::vector<uint32_t> additional_gids;
};

struct NamedDevice {
  std::string name;
  Edits edits;
};

struct Spec {
  std::string kind;  // "vendor.com/class"
  std::vector<NamedDevice> devices;
  Edits edits;  // of every device
};

/// Reads a file's text, JSON or YAML; `name` is for the error. A key that is not known is an error:
/// it would be something that the container does not get.
/// Errors: kInvalidArgument naming the field; kUnimplemented for network devices and Intel RDT.
Result<Spec> ParseSpec(std::string_view text, std::string_view name);

/// "vendor.com/class=name", in its two parts.
struct QualifiedName {
  std::string kind;
  std::string device;
};
/// Errors: kInvalidArgument.
Result<QualifiedName> ParseQualifiedName(std::string_view text);

}  // namespace trivet::container::cdi
