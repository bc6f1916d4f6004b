#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cni/attachment_key.h"
#include "cni/environment.h"
#include "cni/ip_prefix.h"
#include "cni/net_conf.h"
#include "common/base/error.h"
#include "proto/trivet/policy.h"

namespace trivet::cni {

/// Asks trivet-netpolicy over its socket: one request, one answer.
/// Errors, of all: kUnavailable when the agent is away or went away, kDeadlineExceeded when it does
/// not answer in time, otherwise the code and words of its answer.
class PolicyClient {
 public:
  explicit PolicyClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  /// When it returns with success, the policy of a pod with these addresses is in the kernel.
  Result<> Add(const AttachmentKey& key, const std::vector<IpAddress>& addresses,
               const Environment& environment);
  Result<> Delete(const AttachmentKey& key);
  Result<> Check(const AttachmentKey& key, const std::vector<IpAddress>& addresses);
  Result<> Gc(const std::string& network, const std::vector<AttachmentKey>& valid);
  Result<> Status();

 private:
  Result<> Call(const policy::Request& request);

  std::filesystem::path socket_;
};

}  // namespace trivet::cni
