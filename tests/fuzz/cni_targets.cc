#include "cni/add_result.h"
#include "cni/attachment.h"
#include "cni/environment.h"
#include "cni/invocation.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/reservation_store.h"
#include "cni/spec_version.h"
#include "tests/fuzz/target.h"

namespace trivet::fuzz {
namespace {

// As "trivet-cni --check-config": every plugin of a list is made, none is run.
void Configuration(std::string_view input) {
  (void)cni::CheckConfiguration(input);
}

// "NAME=VALUE" lines, as the environment of the program.
void Environment(std::string_view input) {
  std::map<std::string, std::string, std::less<>> variables;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const size_t equals = std::min(line.find('='), line.size());
    variables[std::string(line.substr(0, equals))] = line.substr(std::min(equals + 1, line.size()));
  }
  const auto environment =
      cni::ParseEnvironment([&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      });
  if (!environment || environment->container_id.empty()) return;
  Require(environment->container_id.find('/') == std::string::npos, "a container id is one name");
  Require(environment->ifname.find('/') == std::string::npos, "an interface's name is one name");
}

void Arguments(std::string_view input) {
  (void)cni::ParseCniArgs(input);
}

// A prevResult or another plugin's answer, of any version, in each version.
void Answer(std::string_view input) {
  const auto value = json::Parse(input);
  if (!value) return;
  const auto answer = cni::ParseAddResult(*value);
  if (!answer) return;
  for (const std::string_view name : cni::kSpecVersions) {
    const json::Value written = cni::ToJson(*answer, *cni::ParseSpecVersion(name));
    Require(cni::ParseAddResult(written).has_value(), "what was written can be read");
  }
}

void Record(std::string_view input) {
  const auto value = json::Parse(input);
  if (!value) return;
  const auto record = cni::ParseAttachment(*value);
  if (!record) return;
  const json::Value written = cni::ToJson(*record);
  const auto again = cni::ParseAttachment(written);
  Require(again && cni::ToJson(*again) == written, "a record that was written is read as it was");
}

void Owner(std::string_view input) {
  const auto owner = cni::ParseOwner(input);
  if (owner) Require(!owner->container_id.empty(), "an owner has an id");
}

void ResolvConf(std::string_view input) {
  (void)cni::ParseResolvConf(input);
}

}  // namespace

Targets CniTargets() {
  return {{"cni_configuration", Configuration},
          {"cni_environment", Environment},
          {"cni_args", Arguments},
          {"cni_result", Answer},
          {"cni_record", Record},
          {"cni_owner", Owner},
          {"cni_resolv_conf", ResolvConf}};
}

}  // namespace trivet::fuzz
