#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cri-runtime/container/record.h"
#include "cri-runtime/sandbox/record.h"
#include "cri-runtime/state/by_id.h"
#include "cri-runtime/state/encoded.h"

namespace trivet::state {

struct Sandbox {
  std::shared_ptr<const sandbox::Record> record;
  sandbox::State state;
  Encoded encoded{};  // as the CRI's PodSandbox
};

struct Container {
  std::shared_ptr<const container::Record> record;
  container::State state;
  Encoded encoded{};  // as the CRI's Container
};

/// Everything there is at one moment. Immutable: a reader needs no lock and
/// waits for nobody.
struct Snapshot {
  ById<Sandbox> sandboxes;
  ById<Container> containers;

  /// By id or its unique beginning; null when there is none. Half-made ones are not there for
  /// callers.
  [[nodiscard]] std::shared_ptr<const Sandbox> FindSandbox(std::string_view id) const;
  [[nodiscard]] std::shared_ptr<const Container> FindContainer(std::string_view id) const;
  [[nodiscard]] std::vector<std::shared_ptr<const Container>> ContainersOf(
      std::string_view sandbox_id) const;
};

}  // namespace trivet::state
