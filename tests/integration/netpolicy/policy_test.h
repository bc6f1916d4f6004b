#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/linux/command.h"
#include "common/linux/process.h"
#include "tests/integration/netpolicy/traffic.h"
#include "tests/testing/namespace_test.h"

namespace trivet::netpolicy {

/// One run of trivet-cni.
struct CniOutcome {
  int exit_code = 0;
  json::Value out;  // the result, or the error object
};

/// The real trivet-netpolicy and the real trivet-cni in namespaces of the test's own: pods on one
/// bridge, dual stack, wired by CNI ADD.
class PolicyTest : public testing::NamespaceTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts the agent; answers once its socket does.
  void StartAgent(const std::vector<std::string>& arguments = {});
  /// SIGTERM; expects exit status 0.
  void StopAgent();
  /// SIGKILL, wherever it is.
  void KillAgent();
  /// Runs the agent's program to its end, with the test's folders.
  RunOutput RunAgent(const std::vector<std::string>& arguments);
  [[nodiscard]] std::string AgentLog() const;

  /// Replaces a manifest at once, as an editor does.
  void WriteManifest(const std::string& name, const std::string& yaml);
  /// A NetworkPolicy of namespace "shop" in a file of its own.
  void WritePolicy(const std::string& name, const std::string& spec);
  /// The manifest of a pod of namespace "shop" with the label app: NAME.
  void WritePodManifest(const std::string& name);

  /// A network namespace for a pod of namespace "shop", not yet attached.
  TestPod MakePod(const std::string& name);
  /// CNI ADD, DEL, ...; K8S_POD_NAME is the pod's.
  CniOutcome RunCni(const std::string& verb, const TestPod& pod);
  /// An ADD that must succeed; fills in the addresses.
  void Attach(TestPod& pod);
  /// All of it: manifest, namespace, ADD.
  TestPod AddPod(const std::string& name);

  /// `nft -s list table`, without counters' values, chains, sets and elements in an order of its
  /// own; empty when there is no table.
  static std::string Table();
  /// Waits until it is true; false after ten seconds.
  static bool Eventually(const std::function<bool()>& holds);

  const std::filesystem::path root_ = "/run/netpolicy-test";
  const std::filesystem::path manifests_ = root_ / "manifests";
  const std::filesystem::path socket_ = root_ / "agent.sock";
  const std::filesystem::path state_ = root_ / "state";
  Child agent_;
  bool source_check_ = true;  // the network's "sourceCheck"
};

/// A policy for pod "server" that lets pod "client" in at TCP 80.
constexpr const char* kOnlyClient =
    "{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: {matchLabels: "
    "{app: client}}}], ports: [{port: 80}]}]}";

}  // namespace trivet::netpolicy
