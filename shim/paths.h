#pragma once

#include <filesystem>

/// The run folder of one shim (0700, tmpfs; the daemon makes and removes it):
///
///   /run/trivet/shims/<sandbox>/
///     spec    SandboxSpec in the encoding of wire.h; the daemon's
///     sock    the socket the shim listens on (0600)
///     pid     the shim's pid, a line of text
///     root/   empty; each container's root is attached here in its own mount namespace, so
///             nothing is ever seen in it from outside
namespace trivet::shim {

struct Paths {
  std::filesystem::path run_dir;

  [[nodiscard]] std::filesystem::path spec() const { return run_dir / "spec"; }
  [[nodiscard]] std::filesystem::path socket() const { return run_dir / "sock"; }
  [[nodiscard]] std::filesystem::path pid() const { return run_dir / "pid"; }
  [[nodiscard]] std::filesystem::path root() const { return run_dir / "root"; }
};

}  // namespace trivet::shim
