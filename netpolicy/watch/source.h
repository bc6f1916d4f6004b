#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

/// Where the cluster's objects come from: a folder of manifests today, an API server's list and
/// watch behind the same few functions.
class Source {
 public:
  virtual ~Source() = default;

  /// Readable when Refresh() would find something new. Borrowed.
  [[nodiscard]] virtual int event_fd() const = 0;
  /// Takes in everything that happened before the call. True when cluster() changed.
  virtual Result<bool> Refresh() = 0;
  [[nodiscard]] virtual const Cluster& cluster() const = 0;
  /// False while something that was there from the start was never readable: a policy may be
  /// missing, so nothing may be opened on the strength of cluster().
  [[nodiscard]] virtual bool complete() const = 0;
  /// What cannot be read now, one line each; its last good state counts meanwhile.
  [[nodiscard]] virtual std::vector<std::string> complaints() const = 0;
};

}  // namespace trivet::netpolicy
