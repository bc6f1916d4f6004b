#pragma once

#include "common/base/error.h"
#include "netpolicy/plan/plan.h"

namespace trivet::netpolicy {

/// The kernel's side of the policy: one table. Every change is one transaction, or nothing.
class Firewall {
 public:
  virtual ~Firewall() = default;

  /// Makes the table have exactly this content, without a moment between the old and the new.
  virtual Result<> Replace(const Ruleset& desired) = 0;
  /// Makes the changes of a plan towards `desired`. Errors: kNotFound, kAlreadyExists when the
  /// table was changed by somebody else: Replace() it.
  virtual Result<> Apply(const Plan& plan, const Ruleset& desired) = 0;
  /// Whether the table has the elements and the rules of `desired`, and the fixed chains theirs.
  /// Errors: kDataLoss naming what is missing or wrong.
  virtual Result<> Verify(const Ruleset& desired) = 0;
  /// Removes the table; absent is success.
  virtual Result<> Remove() = 0;

  /// Readable when TakeDisturbance() has something to look at. Borrowed.
  [[nodiscard]] virtual int event_fd() const = 0;
  /// True when somebody else may have changed the table since the last call: Replace() it.
  virtual Result<bool> TakeDisturbance() = 0;
};

}  // namespace trivet::netpolicy
