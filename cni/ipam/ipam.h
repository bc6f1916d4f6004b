#pragma once

#include <memory>
#include <vector>

#include "cni/add_result.h"
#include "cni/attachment_key.h"
#include "cni/environment.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Where a plugin gets addresses from: our host-local or static in this process, or
/// another program of CNI_PATH. Source: CNI spec 1.1.0, section 4.
class Ipam {
 public:
  Ipam() = default;
  Ipam(const Ipam&) = delete;
  Ipam& operator=(const Ipam&) = delete;
  virtual ~Ipam() = default;

  virtual Result<AddResult> Add() = 0;
  /// Frees what this container's interface holds; repeatable.
  virtual Result<> Del() = 0;
  /// As Del(), for another attachment of the network: of GC.
  virtual Result<> Release(const AttachmentKey& key) = 0;
  virtual Result<> Check() = 0;
  /// Frees what is held by others than `valid`.
  virtual Result<> Gc(const std::vector<AttachmentKey>& valid) = 0;
  virtual Result<> Status() = 0;
};

/// The one that ipam.type names; none when the configuration has no ipam. `conf` and `environment`
/// are borrowed. Errors: kInvalidArgument.
Result<std::unique_ptr<Ipam>> MakeIpam(const NetConf& conf, const Environment& environment);

}  // namespace trivet::cni
