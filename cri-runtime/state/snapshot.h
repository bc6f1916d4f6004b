#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cri-runtime/container/record.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::state {

struct Sandbox {
  std::shared_ptr<const sandbox::Record> record;
  sandbox::State state;
};

struct Container {
  std::shared_ptr<const container::Record> record;
  container::State state;
};

/// Everything there is at one moment. Immutable: a reader needs no lock and
/// waits for nobody.
struct Snapshot {
  std::map<std::string, std::shared_ptr<const Sandbox>, std::less<>> sandboxes;
  std::map<std::string, std::shared_ptr<const Container>, std::less<>> containers;

  /// By id or its unique beginning; null when there is none. Half-made ones are not there for
  /// callers.
  [[nodiscard]] std::shared_ptr<const Sandbox> FindSandbox(std::string_view id) const;
  [[nodiscard]] std::shared_ptr<const Container> FindContainer(std::string_view id) const;
  [[nodiscard]] std::vector<std::shared_ptr<const Container>> ContainersOf(
      std::string_view sandbox_id) const;
};

}  // namespace trivet::state
