#include "common/manifest/manifest.h"
#include "ctl/object/bundle.h"
#include "netpolicy/config.h"
#include "netpolicy/model/parse.h"
#include "tests/fuzz/target.h"

namespace trivet::fuzz {
namespace {

// What the policy agent makes of a file in its folder.
void Policies(std::string_view input) {
  const auto documents = manifest::Parse(input, "input");
  if (!documents) return;
  for (const manifest::Document& document : *documents) {
    (void)netpolicy::ParsePod(document.object);
    (void)netpolicy::ParseNamespace(document.object);
    (void)netpolicy::ParseNetworkPolicy(document.object);
  }
}

// What trivetctl plays.
void Bundle(std::string_view input) {
  auto documents = manifest::Parse(input, "input");
  if (documents) (void)ctl::MakeBundle(std::move(*documents));
}

void Configuration(std::string_view input) {
  (void)netpolicy::ParseConfig(input);
}

}  // namespace

Targets ManifestTargets() {
  return {{"manifest_policies", Policies},
          {"manifest_bundle", Bundle},
          {"netpolicy_configuration", Configuration}};
}

}  // namespace trivet::fuzz
