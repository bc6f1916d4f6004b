#pragma once

#include <string>

#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {

/// A PluginTest of a type that comes after "bridge".
class ChainTest : public PluginTest {
 protected:
  /// A configuration of the chained type with `members`, and `previous` as its prevResult.
  [[nodiscard]] json::Value Chained(const std::string& type, const json::Value& members,
                                    const json::Value& previous) const;

  /// For a chained type whose ADD is killed at each system call and then made good in each way that
  /// a runtime has: after it the node is as it was before. The pod's bridge attachment stays.
  void RecoverFromEachKill(const std::string& type, const json::Value& members);

  /// The same for its DEL, which is made good by another DEL.
  void RecoverFromEachKilledDel(const std::string& type, const json::Value& members);

  /// What a chained type can change beside a bridge and its ports, whose timers run.
  [[nodiscard]] Snapshot LookBesideBridge(const Pod& pod) const;

 private:
  json::Value AddedToBridge(const Pod& pod);
  void Recover(int way, const Pod& pod, const json::Value& conf);
};

}  // namespace trivet::cni
