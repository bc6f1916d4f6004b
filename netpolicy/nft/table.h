#pragma once

#include "netpolicy/plan/firewall.h"

namespace trivet::netpolicy {

constexpr const char* kTableName = "trivet_policy";

/// Table inet trivet_policy in the network namespace of the calling thread.
class NftTable : public Firewall {
 public:
  Result<> Replace(const Ruleset& desired) override;
  Result<> Apply(const Plan& plan, const Ruleset& desired) override;
  Result<> Verify(const Ruleset& desired) override;
  Result<> Remove() override;

 private:
  static Result<> VerifyElements(const SetContent& content);
};

}  // namespace trivet::netpolicy
