#include "ctl/object/pod.h"

#include <algorithm>
#include <set>

namespace trivet::ctl {
namespace {

Result<> ReadDns(Fields& spec, Pod& pod) {
  RETURN_IF_ERROR(spec.Read("dnsPolicy", pod.dns_policy));
  ASSIGN_OR_RETURN(auto dns, spec.Object("dnsConfig"));
  if (!dns) return {};
  RETURN_IF_ERROR(dns->Read("nameservers", pod.dns_config.servers));
  RETURN_IF_ERROR(dns->Read("searches", pod.dns_config.searches));
  ASSIGN_OR_RETURN(auto options, dns->List("options"));
  for (Fields& option : options) {
    std::string name;
    std::string value;
    RETURN_IF_ERROR(option.Require("name", name));
    RETURN_IF_ERROR(option.Read("value", value));
    RETURN_IF_ERROR(option.Finish());
    pod.dns_config.options.push_back(value.empty() ? name : name + ":" + value);
  }
  return dns->Finish();
}

Result<> ReadHostAliases(Fields& spec, Pod& pod) {
  ASSIGN_OR_RETURN(auto aliases, spec.List("hostAliases"));
  for (Fields& fields : aliases) {
    HostAlias alias;
    RETURN_IF_ERROR(fields.Require("ip", alias.ip));
    RETURN_IF_ERROR(fields.Read("hostnames", alias.hostnames));
    RETURN_IF_ERROR(fields.Finish());
    pod.host_aliases.push_back(std::move(alias));
  }
  return {};
}

Result<> ReadIdentity(Fields& spec, Pod& pod) {
  if (spec.Has("hostname")) RETURN_IF_ERROR(ReadLabelName(spec, "hostname", pod.hostname));
  if (spec.Has("subdomain")) RETURN_IF_ERROR(ReadLabelName(spec, "subdomain", pod.subdomain));
  RETURN_IF_ERROR(spec.Read("runtimeClassName", pod.runtime_class));
  RETURN_IF_ERROR(spec.Read("serviceAccountName", pod.service_account));
  RETURN_IF_ERROR(spec.Read("hostNetwork", pod.host_network));
  RETURN_IF_ERROR(spec.Read("hostPID", pod.host_pid));
  RETURN_IF_ERROR(spec.Read("hostIPC", pod.host_ipc));
  RETURN_IF_ERROR(spec.Read("shareProcessNamespace", pod.share_process_namespace));
  RETURN_IF_ERROR(spec.Read("hostUsers", pod.host_users));
  if (pod.host_users || !(pod.host_network || pod.host_pid || pod.host_ipc)) return {};
  return spec.Complain("hostUsers", "false goes with none of hostNetwork, hostPID, hostIPC");
}

Result<> ReadLifetime(Fields& spec, Pod& pod) {
  RETURN_IF_ERROR(spec.Read("restartPolicy", pod.restart_policy));
  if (pod.restart_policy != "Always" && pod.restart_policy != "OnFailure" &&
      pod.restart_policy != "Never") {
    return spec.Complain("restartPolicy", "not one of Always, OnFailure, Never");
  }
  RETURN_IF_ERROR(spec.Read("terminationGracePeriodSeconds", pod.termination_grace_period_seconds));
  if (pod.termination_grace_period_seconds < 0) {
    return spec.Complain("terminationGracePeriodSeconds", "below zero");
  }
  return {};
}

Result<> ReadContainers(Fields& spec, Pod& pod) {
  ASSIGN_OR_RETURN(auto init_containers, spec.List("initContainers"));
  for (Fields& fields : init_containers) {
    ASSIGN_OR_RETURN(Container container, ReadContainer(std::move(fields), true));
    pod.init_containers.push_back(std::move(container));
  }
  ASSIGN_OR_RETURN(auto containers, spec.List("containers"));
  if (containers.empty()) return spec.Complain("containers", "missing");
  for (Fields& fields : containers) {
    ASSIGN_OR_RETURN(Container container, ReadContainer(std::move(fields), false));
    pod.containers.push_back(std::move(container));
  }
  return {};
}

Result<> ReadVolumes(Fields& spec, Pod& pod) {
  ASSIGN_OR_RETURN(auto volumes, spec.List("volumes"));
  for (Fields& fields : volumes) {
    ASSIGN_OR_RETURN(Volume volume, ReadVolume(std::move(fields)));
    pod.volumes.push_back(std::move(volume));
  }
  return {};
}

const Volume* FindVolume(const Pod& pod, const std::string& name) {
  const auto found = std::ranges::find(pod.volumes, name, &Volume::name);
  return found == pod.volumes.end() ? nullptr : &*found;
}

Result<> CheckContainer(const Fields& spec, const Pod& pod, const Container& container,
                        std::set<std::string>& names) {
  if (!names.insert(container.name).second) {
    return spec.Complain("containers", fmt::format("two are called \"{}\"", container.name));
  }
  for (const VolumeMount& mount : container.mounts) {
    if (FindVolume(pod, mount.name) != nullptr) continue;
    return spec.Complain("volumes", fmt::format("container {} mounts \"{}\", which is not there",
                                                container.name, mount.name));
  }
  for (const VolumeDevice& device : container.devices) {
    const Volume* volume = FindVolume(pod, device.name);
    if (volume != nullptr && volume->kind == Volume::Kind::kClaim) continue;
    return spec.Complain("volumes",
                         fmt::format("container {} wants device \"{}\", which is no claim",
                                     container.name, device.name));
  }
  return {};
}

// What no single field shows: names that are used twice, mounts of nothing.
Result<> CheckWhole(const Fields& spec, const Pod& pod) {
  std::set<std::string> names;
  for (const Volume& volume : pod.volumes) {
    if (!names.insert(volume.name).second) {
      return spec.Complain("volumes", fmt::format("two are called \"{}\"", volume.name));
    }
  }
  names.clear();
  for (const auto* list : {&pod.init_containers, &pod.containers}) {
    for (const Container& container : *list) {
      RETURN_IF_ERROR(CheckContainer(spec, pod, container, names));
    }
  }
  return {};
}

void NameWhatIsNotDone(Fields& spec) {
  spec.Accept({"serviceAccount", "automountServiceAccountToken", "enableServiceLinks", "nodeName",
               "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints",
               "schedulerName", "priority", "priorityClassName", "preemptionPolicy",
               "imagePullSecrets", "os", "setHostnameAsFQDN"});
  spec.Warn({"activeDeadlineSeconds"}, "nobody watches: the pod is not stopped");
  spec.Warn({"readinessGates"}, "not evaluated");
}

Result<> ReadSpec(Fields& spec, Pod& pod) {
  RETURN_IF_ERROR(ReadContainers(spec, pod));
  RETURN_IF_ERROR(ReadVolumes(spec, pod));
  ASSIGN_OR_RETURN(pod.security, ReadPodSecurity(spec));
  RETURN_IF_ERROR(ReadLifetime(spec, pod));
  RETURN_IF_ERROR(ReadIdentity(spec, pod));
  RETURN_IF_ERROR(ReadDns(spec, pod));
  RETURN_IF_ERROR(ReadHostAliases(spec, pod));
  NameWhatIsNotDone(spec);
  RETURN_IF_ERROR(spec.Finish());
  return CheckWhole(spec, pod);
}

}  // namespace

Result<Pod> ReadPod(Fields document) {
  Pod pod;
  ASSIGN_OR_RETURN(pod.metadata, ReadMetadata(document));
  ASSIGN_OR_RETURN(auto spec, document.Object("spec"));
  if (!spec) return document.Complain("spec", "missing");
  RETURN_IF_ERROR(ReadSpec(*spec, pod));
  RETURN_IF_ERROR(document.Finish());
  return pod;
}

}  // namespace trivet::ctl
