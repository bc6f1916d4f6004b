#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// The addresses that a runtime asks for in the configuration, as text.
struct RequestedIps {
  struct List {
    std::string_view key;
    std::vector<std::string> texts;
  };
  std::vector<std::string> args;     // "args": {"cni": {"ips": [...]}}
  std::vector<std::string> runtime;  // "runtimeConfig": {"ips": [...]}, of capability "ips"

  /// In the order of their weight: the last counts most.
  [[nodiscard]] std::array<List, 2> lists() const {
    return {{{"args.cni.ips", args}, {"runtimeConfig.ips", runtime}}};
  }
};

/// Errors: kInvalidArgument.
Result<RequestedIps> ReadRequestedIps(const json::Value& root);

/// "a, b,c" without the spaces; empty parts are none.
std::vector<std::string> SplitAtCommas(std::string_view text);

}  // namespace trivet::cni
