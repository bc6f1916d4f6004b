#pragma once

#include <map>
#include <string>
#include <string_view>

/// Functions that take a stranger's bytes. Each target reads `input` as its name says; what makes
/// it fail is a crash, a sanitizer's report, an exception, or Require(false) for a law that does
/// not hold.
namespace trivet::fuzz {

using Target = void (*)(std::string_view input);
using Targets = std::map<std::string_view, Target>;

/// The targets of one component, by the name of their folder in corpus/.
Targets CniTargets();
Targets ImageTargets();
Targets RuntimeTargets();
Targets CsiTargets();
Targets ManifestTargets();
Targets ProtocolTargets();

Targets AllTargets();

/// Ends the process with a message unless `holds`.
void Require(bool holds, std::string_view law);

}  // namespace trivet::fuzz
