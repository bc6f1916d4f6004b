#pragma once

#include <string>
#include <vector>

#include "netpolicy/attachments.h"
#include "netpolicy/plan/compile.h"
#include "netpolicy/plan/firewall.h"
#include "netpolicy/watch/source.h"
#include "proto/trivet/policy.h"

namespace trivet::netpolicy {

/// Keeps the table as the manifests and this node's attachments want it. One thread.
///
/// Fails closed: while a manifest was never readable nothing is changed in the kernel and no pod is
/// added; a pod without a manifest is denied everything; a request is answered only after its
/// transaction is in force.
class Agent {
 public:
  /// All borrowed. `node_ranges`: see World.
  Agent(Source& source, Firewall& firewall, Attachments& attachments,
        std::vector<Range> node_ranges);

  /// Reads the manifests and puts the whole table in place. An incomplete source is no error: the
  /// rules of an earlier agent stay in force until it is complete.
  Result<> Start();
  /// Takes in what changed in the source. Errors: the kernel's, when the rules are as before.
  Result<> Sync();
  policy::Answer Handle(const policy::Request& request);
  /// Puts the whole table in place, whatever the kernel has.
  Result<> Restore(std::string_view reason);
  /// Looks whether the kernel has the table as it should be, and restores it when not.
  Result<> Verify();
  /// False after a failure: Sync() should be tried again although nothing changed.
  [[nodiscard]] bool settled() const;

 private:
  Result<> Dispatch(const policy::Request& request);
  Result<> Add(const policy::Request& request);
  Result<> Delete(const policy::Attachment& attachment);
  Result<> CollectGarbage(const policy::Request& request);
  Result<> Check(const policy::Request& request);
  Result<> Status();
  Result<> Refresh();
  Result<> Reconcile();
  Result<> Enforce();
  void LogComplaints();

  Source& source_;
  Firewall& firewall_;
  Attachments& attachments_;
  std::vector<Range> node_ranges_;
  bool installed_ = false;  // the table has `actual_`
  bool refreshed_ = true;   // the source could be read
  bool changed_ = true;     // something decides otherwise than it did for `actual_`
  Ruleset actual_;
  std::vector<std::string> complaints_;
};

}  // namespace trivet::netpolicy
