#include "cri-runtime/service/container_request.h"

#include "cri-runtime/container/cdi_spec.h"
#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/id_mapping.h"
#include "cri-runtime/service/resources_message.h"
#include "cri-runtime/service/security_request.h"
#include "cri-runtime/service/signals.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using container::Propagation;

Result<> CheckCombination(const v1::Mount& from) {
  if (from.propagation() < v1::PROPAGATION_PRIVATE ||
      from.propagation() > v1::PROPAGATION_BIDIRECTIONAL) {
    return Fail(Code::kInvalidArgument, "propagation: unexpected {}",
                static_cast<int>(from.propagation()));
  }
  if (!from.recursive_read_only()) return {};
  if (!from.readonly()) {
    return Fail(Code::kInvalidArgument, "recursive_read_only: needs readonly");
  }
  if (from.propagation() != v1::PROPAGATION_PRIVATE) {
    return Fail(Code::kInvalidArgument, "recursive_read_only: needs private propagation");
  }
  return {};
}

Result<> CheckImageVolume(const v1::Mount& from) {
  if (from.image().image().empty()) return Fail(Code::kInvalidArgument, "image: missing");
  if (!from.host_path().empty()) {
    return Fail(Code::kInvalidArgument, "host_path: the source is an image");
  }
  if (!from.readonly()) return Fail(Code::kInvalidArgument, "image: needs readonly");
  if (from.propagation() != v1::PROPAGATION_PRIVATE) {
    return Fail(Code::kInvalidArgument, "image: needs private propagation");
  }
  return CheckInnerPath("image_sub_path", from.image_sub_path());
}

Result<container::Mount> ParseMount(const v1::Mount& from) {
  RETURN_IF_ERROR(CheckContainerPath("container_path", from.container_path()));
  RETURN_IF_ERROR(CheckCombination(from));
  if (from.has_image()) {
    RETURN_IF_ERROR(CheckImageVolume(from));
  } else {
    RETURN_IF_ERROR(CheckAbsolutePath("host_path", from.host_path()));
  }
  for (const std::string& option : from.mount_options()) {
    if (option != "noexec" && option != "nodev" && option != "nosuid") {
      return Fail(Code::kInvalidArgument, "mount_options: unexpected \"{}\"", option);
    }
  }
  std::optional<sandbox::UserNamespace> id_mapping;
  if (from.uidmappings_size() != 0 || from.gidmappings_size() != 0) {
    ASSIGN_OR_RETURN(id_mapping, ParseIdMappings(from.uidmappings(), from.gidmappings()),
                     "id mappings");
  }
  return container::Mount{.container_path = from.container_path(),
                          .host_path = from.host_path(),
                          .readonly = from.readonly(),
                          .relabel = from.selinux_relabel(),
                          .recursive_read_only = from.recursive_read_only(),
                          .propagation = static_cast<Propagation>(from.propagation()),
                          .image = from.image().image(),
                          .image_sub_path = from.image_sub_path(),
                          .options = {from.mount_options().begin(), from.mount_options().end()},
                          .id_mapping = id_mapping};
}

Result<container::Device> ParseDevice(const v1::Device& from) {
  RETURN_IF_ERROR(CheckAbsolutePath("container_path", from.container_path()));
  RETURN_IF_ERROR(CheckAbsolutePath("host_path", from.host_path()));
  if (from.permissions().find_first_not_of("rwm") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "permissions: unexpected \"{}\"", from.permissions());
  }
  return container::Device{from.container_path(), from.host_path(), from.permissions()};
}

Result<std::vector<std::string>> ParseArguments(
    std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& from) {
  for (const std::string& argument : from) RETURN_IF_ERROR(CheckArgument(field, argument));
  return std::vector<std::string>(from.begin(), from.end());
}

// The value is not repeated in an error: it may be a secret.
Result<std::vector<std::string>> ParseEnvironment(const v1::ContainerConfig& from) {
  std::vector<std::string> environment;
  for (const v1::KeyValue& entry : from.envs()) {
    RETURN_IF_ERROR(CheckArgument("key", entry.key()));
    if (entry.key().empty() || entry.key().find('=') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "key: unexpected \"{}\"", entry.key());
    }
    RETURN_IF_ERROR(CheckArgument(entry.key(), entry.value()));
    environment.push_back(entry.key() + "=" + entry.value());
  }
  return environment;
}

Result<int> ParseStopSignal(v1::Signal signal) {
  const auto number = NumberOfSignal(signal);
  if (number) return *number;
  return Fail(Code::kInvalidArgument, "stop_signal: unexpected {}", static_cast<int>(signal));
}

Result<> ParseProgram(const v1::ContainerConfig& from, container::Config& config) {
  config.image = from.image().image();
  config.user_specified_image = from.image().user_specified_image();
  if (config.image.empty()) return Fail(Code::kInvalidArgument, "image: missing");
  ASSIGN_OR_RETURN(config.command, ParseArguments("command", from.command()));
  ASSIGN_OR_RETURN(config.args, ParseArguments("args", from.args()));
  config.working_dir = from.working_dir();
  if (!config.working_dir.empty()) {
    RETURN_IF_ERROR(CheckContainerPath("working_dir", config.working_dir));
  }
  ASSIGN_OR_RETURN(config.envs, ParseEnvironment(from), "envs");
  ASSIGN_OR_RETURN(config.stop_signal, ParseStopSignal(from.stop_signal()));
  return {};
}

Result<> ParseThings(const v1::ContainerConfig& from, container::Config& config) {
  for (int i = 0; i < from.mounts_size(); ++i) {
    ASSIGN_OR_RETURN(config.mounts.emplace_back(), ParseMount(from.mounts(i)),
                     fmt::format("mounts[{}]", i));
  }
  for (int i = 0; i < from.devices_size(); ++i) {
    ASSIGN_OR_RETURN(config.devices.emplace_back(), ParseDevice(from.devices(i)),
                     fmt::format("devices[{}]", i));
  }
  for (const v1::CDIDevice& device : from.cdi_devices()) {
    RETURN_IF_ERROR(container::cdi::ParseQualifiedName(device.name()), "CDI_devices");
    config.cdi_devices.push_back(device.name());
  }
  return {};
}

}  // namespace

Result<container::Config> ParseContainer(const v1::ContainerConfig& from) {
  container::Config config{.name = from.metadata().name(),
                           .attempt = from.metadata().attempt(),
                           .log_path = from.log_path(),
                           .stdin_open = from.stdin(),
                           .stdin_once = from.stdin_once(),
                           .terminal = from.tty()};
  RETURN_IF_ERROR(CheckName("metadata: name", config.name));
  RETURN_IF_ERROR(ParseProgram(from, config));
  RETURN_IF_ERROR(ParseThings(from, config));
  config.labels.insert(from.labels().begin(), from.labels().end());
  config.annotations.insert(from.annotations().begin(), from.annotations().end());
  RETURN_IF_ERROR(CheckInnerPath("log_path", config.log_path));
  ASSIGN_OR_RETURN(config.resources, ParseResources(from.linux().resources()), "resources");
  ASSIGN_OR_RETURN(config.security, ParseSecurity(from.linux().security_context()),
                   "security_context");
  return config;
}

}  // namespace trivet::cri
