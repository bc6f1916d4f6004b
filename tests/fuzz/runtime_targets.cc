#include "cri-runtime/cni/network_config.h"
#include "cri-runtime/cni/pod_cidrs.h"
#include "cri-runtime/config.h"
#include "cri-runtime/container/cdi_spec.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/container/seccomp_profile.h"
#include "cri-runtime/sandbox/bandwidth.h"
#include "cri-runtime/service/container_request.h"
#include "cri-runtime/service/sandbox_request.h"
#include "cri-runtime/state/fields.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text_message.h"

namespace trivet::fuzz {
namespace {

void Sandbox(std::string_view input) {
  runtime::v1::RunPodSandboxRequest request;
  if (ReadText(input, request)) (void)cri::ParseSandbox(request);
}

void Container(std::string_view input) {
  runtime::v1::ContainerConfig config;
  if (ReadText(input, config)) (void)cri::ParseContainer(config);
}

void Seccomp(std::string_view input) {
  (void)container::ParseSeccompProfile(input, 0);
}
void NetworkList(std::string_view input) {
  (void)network::ParseNetworkConfig(input);
}

// A vendor's file, and a name as the kubelet sends it.
void Cdi(std::string_view input) {
  const auto spec = container::cdi::ParseSpec(input, "input");
  if (!spec) return;
  for (const auto& device : spec->devices) {
    Require(container::cdi::ParseQualifiedName(spec->kind + "=" + device.name).has_value(),
            "a device that a file names can be asked for");
  }
}

void PodCidrs(std::string_view input) {
  (void)network::ParsePodCidrs(input);
}

void Quantity(std::string_view input) {
  (void)sandbox::ParseQuantity(input);
}

void Configuration(std::string_view input) {
  cri::Config config;
  if (cri::ReadConfig(input, config)) (void)cri::CheckConfig(config);
}

void Record(std::string_view input) {
  const auto record = state::Decode<container::Record>(input);
  if (!record) return;
  const std::string written = state::Encode(*record);
  const auto again = state::Decode<container::Record>(written);
  Require(again && state::Encode(*again) == written, "a record that was written is read as it was");
}

}  // namespace

Targets RuntimeTargets() {
  return {{"cri_sandbox", Sandbox},   {"cri_container", Container},
          {"cri_seccomp", Seccomp},   {"cri_network_list", NetworkList},
          {"cri_cdi", Cdi},           {"cri_pod_cidrs", PodCidrs},
          {"cri_quantity", Quantity}, {"cri_configuration", Configuration},
          {"cri_record", Record}};
}

}  // namespace trivet::fuzz
