#include <algorithm>
#include <array>

#include "ctl/object/labels.h"
#include "ctl/object/pod.h"
#include "ctl/object/quantity.h"

namespace trivet::ctl {
namespace {

// What valueFrom.fieldRef may name here. Labels and annotations by key: metadata.labels['app'].
constexpr std::array<std::string_view, 7> kFieldPaths = {
    "metadata.name",           "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.podIP",       "status.podIPs"};

bool IsKnownFieldPath(std::string_view path) {
  if (std::ranges::find(kFieldPaths, path) != kFieldPaths.end()) return true;
  return path.ends_with("']") &&
         (path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['"));
}

Result<> ReadFieldRef(Fields& variable, EnvVar& env) {
  ASSIGN_OR_RETURN(auto source, variable.Object("valueFrom"));
  if (!source) return {};
  ASSIGN_OR_RETURN(auto reference, source->Object("fieldRef"));
  if (!reference) {
    return source->Complain("", "only fieldRef is supported (there are no ConfigMaps or Secrets)");
  }
  RETURN_IF_ERROR(reference->Require("fieldPath", env.field_path));
  if (!IsKnownFieldPath(env.field_path)) {
    return reference->Complain("fieldPath", fmt::format("\"{}\" is not supported", env.field_path));
  }
  reference->Accept({"apiVersion"});
  RETURN_IF_ERROR(reference->Finish());
  return source->Finish();
}

Result<> ReadEnv(Fields& fields, Container& container) {
  ASSIGN_OR_RETURN(auto variables, fields.List("env"));
  for (Fields& variable : variables) {
    EnvVar env;
    RETURN_IF_ERROR(variable.Require("name", env.name));
    if (env.name.empty() || env.name.find('=') != std::string::npos) {
      return variable.Complain("name", "empty, or with an =");
    }
    RETURN_IF_ERROR(variable.Read("value", env.value));
    RETURN_IF_ERROR(ReadFieldRef(variable, env));
    RETURN_IF_ERROR(variable.Finish());
    container.env.push_back(std::move(env));
  }
  return {};
}

bool IsPort(int32_t port) {
  return port > 0 && port <= 65535;
}

Result<> ReadPorts(Fields& fields, Container& container) {
  ASSIGN_OR_RETURN(auto ports, fields.List("ports"));
  for (Fields& item : ports) {
    ContainerPort port;
    RETURN_IF_ERROR(item.Require("containerPort", port.container_port));
    if (!IsPort(port.container_port)) return item.Complain("containerPort", "not in 1..65535");
    RETURN_IF_ERROR(item.Read("hostPort", port.host_port));
    if (port.host_port != 0 && !IsPort(port.host_port)) {
      return item.Complain("hostPort", "not in 1..65535");
    }
    RETURN_IF_ERROR(item.Read("protocol", port.protocol));
    if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
      return item.Complain("protocol", "not one of TCP, UDP, SCTP");
    }
    RETURN_IF_ERROR(item.Read("hostIP", port.host_ip));
    std::string name;  // the policy agent's matter
    RETURN_IF_ERROR(item.Read("name", name));
    if (!IsLabelValue(name)) return item.Complain("name", "no name of a port");
    RETURN_IF_ERROR(item.Finish());
    container.ports.push_back(std::move(port));
  }
  return {};
}

// A path inside the volume: relative, and never upwards.
bool IsSubPath(const std::string& path) {
  const std::filesystem::path sub(path);
  return !sub.is_absolute() && std::ranges::find(sub, "..") == sub.end();
}

Result<> ReadMounts(Fields& fields, Container& container) {
  ASSIGN_OR_RETURN(auto mounts, fields.List("volumeMounts"));
  for (Fields& item : mounts) {
    VolumeMount mount;
    RETURN_IF_ERROR(ReadLabelName(item, "name", mount.name));
    RETURN_IF_ERROR(item.Require("mountPath", mount.mount_path));
    if (mount.mount_path.empty()) return item.Complain("mountPath", "empty");
    RETURN_IF_ERROR(item.Read("subPath", mount.sub_path));
    if (!IsSubPath(mount.sub_path)) return item.Complain("subPath", "absolute, or with ..");
    RETURN_IF_ERROR(item.Read("readOnly", mount.read_only));
    RETURN_IF_ERROR(item.Read("mountPropagation", mount.propagation));
    if (mount.propagation != "None" && mount.propagation != "HostToContainer" &&
        mount.propagation != "Bidirectional") {
      return item.Complain("mountPropagation", "not one of None, HostToContainer, Bidirectional");
    }
    RETURN_IF_ERROR(item.Finish());
    container.mounts.push_back(std::move(mount));
  }
  return {};
}

Result<> ReadDevices(Fields& fields, Container& container) {
  ASSIGN_OR_RETURN(auto devices, fields.List("volumeDevices"));
  for (Fields& item : devices) {
    VolumeDevice device;
    RETURN_IF_ERROR(ReadLabelName(item, "name", device.name));
    RETURN_IF_ERROR(item.Require("devicePath", device.device_path));
    RETURN_IF_ERROR(item.Finish());
    container.devices.push_back(std::move(device));
  }
  return {};
}

Result<> ReadAmounts(Fields& resources, std::string_view key, std::optional<int64_t>& cpu_milli,
                     std::optional<int64_t>& memory_bytes) {
  ASSIGN_OR_RETURN(auto amounts, resources.Object(key));
  if (!amounts) return {};
  for (const auto& [name, value] : amounts->object().items()) {
    auto text = QuantityText(value);
    if (!text) return amounts->Complain(name, text.error().message());
    auto parsed = name == "cpu" ? ParseMilliQuantity(*text) : ParseQuantity(*text);
    if (!parsed) return amounts->Complain(name, parsed.error().message());
    if (name == "cpu") cpu_milli = *parsed;
    if (name == "memory") memory_bytes = *parsed;
  }
  amounts->Accept({"cpu", "memory"});
  amounts->Warn({"ephemeral-storage"}, "not enforced");
  return amounts->Finish();
}

Result<> ReadResources(Fields& fields, Container& container) {
  ASSIGN_OR_RETURN(auto resources, fields.Object("resources"));
  if (!resources) return {};
  Resources& out = container.resources;
  RETURN_IF_ERROR(
      ReadAmounts(*resources, "requests", out.cpu_request_milli, out.memory_request_bytes));
  RETURN_IF_ERROR(ReadAmounts(*resources, "limits", out.cpu_limit_milli, out.memory_limit_bytes));
  if (!out.cpu_request_milli) out.cpu_request_milli = out.cpu_limit_milli;
  if (!out.memory_request_bytes) out.memory_request_bytes = out.memory_limit_bytes;
  if (out.cpu_limit_milli && *out.cpu_request_milli > *out.cpu_limit_milli) {
    return resources->Complain("requests.cpu", "more than the limit");
  }
  if (out.memory_limit_bytes && *out.memory_request_bytes > *out.memory_limit_bytes) {
    return resources->Complain("requests.memory", "more than the limit");
  }
  return resources->Finish();
}

Result<> ReadProcess(Fields& fields, Container& container) {
  RETURN_IF_ERROR(ReadLabelName(fields, "name", container.name));
  RETURN_IF_ERROR(fields.Require("image", container.image));
  if (container.image.empty()) return fields.Complain("image", "empty");
  RETURN_IF_ERROR(fields.Read("imagePullPolicy", container.image_pull_policy));
  RETURN_IF_ERROR(fields.Read("command", container.command));
  RETURN_IF_ERROR(fields.Read("args", container.args));
  RETURN_IF_ERROR(fields.Read("workingDir", container.working_dir));
  RETURN_IF_ERROR(fields.Read("terminationMessagePath", container.termination_message_path));
  RETURN_IF_ERROR(fields.Read("stdin", container.stdin_open));
  RETURN_IF_ERROR(fields.Read("stdinOnce", container.stdin_once));
  return fields.Read("tty", container.tty);
}

Result<> ReadRestartPolicy(Fields& fields, bool init, Container& container) {
  std::string policy;
  RETURN_IF_ERROR(fields.Read("restartPolicy", policy));
  container.sidecar = init && policy == "Always";
  if (policy.empty() || container.sidecar) return {};
  return fields.Complain("restartPolicy", "only Always, and only of an init container");
}

}  // namespace

Result<Container> ReadContainer(Fields fields, bool init) {
  Container container;
  RETURN_IF_ERROR(ReadProcess(fields, container));
  RETURN_IF_ERROR(ReadRestartPolicy(fields, init, container));
  RETURN_IF_ERROR(ReadEnv(fields, container));
  RETURN_IF_ERROR(ReadPorts(fields, container));
  RETURN_IF_ERROR(ReadMounts(fields, container));
  RETURN_IF_ERROR(ReadDevices(fields, container));
  RETURN_IF_ERROR(ReadResources(fields, container));
  ASSIGN_OR_RETURN(container.security, ReadContainerSecurity(fields));
  fields.Accept({"terminationMessagePolicy", "resizePolicy"});
  fields.Warn({"livenessProbe", "readinessProbe", "startupProbe"},
              "probes are not run: running counts as ready");
  fields.Warn({"lifecycle"}, "hooks are not run");
  RETURN_IF_ERROR(fields.Finish());
  return container;
}

}  // namespace trivet::ctl
