#include "cri-runtime/live_config.h"

#include <algorithm>
#include <array>

namespace trivet::cri {
namespace {

// What is asked for anew each time it is used.
constexpr std::array<std::string_view, 9> kLiveKeys{
    "shim",        "runtimeHandlers",    "cdiSpecDirs", "seccompProfileRoot",
    "pidsLimit",   "stopTimeoutSeconds", "criu",        "localImport",
    "pinnedImages"};

}  // namespace

bool IsLiveKey(std::string_view key) {
  return std::ranges::find(kLiveKeys, key) != kLiveKeys.end();
}

std::vector<std::string> LiveConfig::Replace(const Config& next) {
  const json::Value wanted = ToJson(next);
  const std::scoped_lock lock(mutex_);
  json::Value merged = ToJson(*now_);
  std::vector<std::string> left;
  for (const auto& [key, value] : wanted.items()) {
    if (merged[key] == value) continue;
    if (IsLiveKey(key)) {
      merged[key] = value;
    } else {
      left.push_back(key);
    }
  }
  Config config;
  // It is made of two that were read before, so it can be read.
  if (ReadConfig(json::Write(merged), config)) now_ = std::make_shared<const Config>(config);
  return left;
}

}  // namespace trivet::cri
