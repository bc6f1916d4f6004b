#pragma once

#include <gtest/gtest.h>

namespace trivet::testing {

/// A test that needs root. Without root it is skipped with that reason, and
/// with TRIVET_REQUIRE_ROOT=1 (set by the presets and tests/run) it fails, so
/// that a run which tested nothing cannot look green.
class RootTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// A RootTest in network and mount namespaces of its own: each test's process
/// unshares, mounts are private, loopback is up, /run is a fresh tmpfs; nothing
/// remains on the host.
class NamespaceTest : public RootTest {
 protected:
  void SetUp() override;
};

}  // namespace trivet::testing
