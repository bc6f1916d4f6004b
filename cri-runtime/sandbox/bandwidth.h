#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/error.h"

namespace trivet::sandbox {

/// What a pod's annotations allow it, bits per second; absent: no limit.
struct Bandwidth {
  std::optional<uint64_t> ingress_bits;
  std::optional<uint64_t> egress_bits;
};

/// Reads kubernetes.io/ingress-bandwidth and kubernetes.io/egress-bandwidth ("10M"). Errors:
/// kInvalidArgument naming the annotation for what is no quantity from 1k to 1P.
/// Source: Kubernetes, pkg/util/bandwidth.
Result<Bandwidth> BandwidthOf(const std::map<std::string, std::string>& annotations);

/// A quantity as Kubernetes writes it, "1.5Gi", "10M", "3e6", rounded up to a whole number.
/// Errors: kInvalidArgument.
/// Source: Kubernetes, apimachinery, resource.Quantity.
Result<uint64_t> ParseQuantity(std::string_view text);

}  // namespace trivet::sandbox
