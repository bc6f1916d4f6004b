#include "ctl/command/doctor.h"

#include <cstdlib>
#include <iostream>

#include "ctl/doctor/print.h"

namespace trivet::ctl {

int Doctor(const doctor::Host& host, bool json) {
  const auto findings = doctor::Examine(doctor::AllChecks(), host);
  if (json) {
    doctor::PrintJson(std::cout, findings);
  } else {
    doctor::PrintText(std::cout, findings);
  }
  return doctor::IsUsable(findings) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace trivet::ctl
