#pragma once

#include "common/linux/nftables_watch.h"
#include "netpolicy/plan/firewall.h"

namespace trivet::netpolicy {

constexpr const char* kTableName = "trivet_policy";

/// Table inet trivet_policy in the network namespace of the thread that opens and uses it.
class NftTable : public Firewall {
 public:
  static Result<NftTable> Open();

  Result<> Replace(const Ruleset& desired) override;
  Result<> Apply(const Plan& plan, const Ruleset& desired) override;
  Result<> Verify(const Ruleset& desired) override;
  Result<> Remove() override;
  [[nodiscard]] int event_fd() const override { return watch_.event_fd(); }
  Result<bool> TakeDisturbance() override;

 private:
  explicit NftTable(nft::TableWatch watch) : watch_(std::move(watch)) {}
  Result<> Commit(nft::Transaction transaction);
  static Result<> VerifyElements(const SetContent& content);

  nft::TableWatch watch_;
  bool disturbed_ = false;
};

}  // namespace trivet::netpolicy
