#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "common/linux/command.h"
#include "tests/testing/namespace_test.h"

namespace trivet::cni {

/// One run of the program, as a runtime sees it.
struct Answer {
  int exit_code = 0;
  std::string out;
  std::string err;
  json::Value value;  // `out` where it is JSON, else null

  [[nodiscard]] bool ok() const { return exit_code == 0; }
  /// The error object's code and words; 0 and "" without one.
  [[nodiscard]] int code() const;
  [[nodiscard]] std::string message() const;
};
void PrintTo(const Answer& answer, std::ostream* out);

/// EXPECT_THAT(answer, Succeeds()) and EXPECT_THAT(answer, IsRefused(code, "words")).
MATCHER(Succeeds, "exits with 0") {
  *result_listener << arg.out << arg.err;
  return arg.ok();
}
MATCHER_P2(IsRefused, code, words, "gives an error object with the code and the words") {
  return arg.exit_code == 1 && arg.code() == code && arg.message().find(words) != std::string::npos;
}

/// A network namespace that a runtime has made for a container, pinned at `netns`.
struct Pod {
  std::string id;
  std::filesystem::path netns;
};

/// What somebody who looks at the node from outside sees of it: kind of thing -> listing.
using Snapshot = std::map<std::string, std::string>;

/// Runs the real trivet-cni in namespaces of the test's own, and looks at what became of it with
/// the distribution's `ip` and `nft`. Every attachment that a test leaves is deleted at its end,
/// and then the node must look as it did before: links, addresses, routes, neighbours, nftables,
/// mounts and files.
class PluginTest : public testing::NamespaceTest {
 protected:
  using Variables = std::map<std::string, std::string>;

  void SetUp() override;
  void TearDown() override;

  /// A dual stack bridge with a gateway, masquerade, and the state in state().
  [[nodiscard]] json::Value Conf() const;
  [[nodiscard]] std::filesystem::path state() const { return "/run/cni-state"; }
  [[nodiscard]] std::filesystem::path reservations() const { return state() / "networks/testnet"; }
  static std::filesystem::path Program();

  /// A new network namespace; loopback in it is down.
  Pod MakePod(const std::string& id);
  /// The runtime takes the namespace away; its path stays in the Pod.
  static void RemoveNetns(const Pod& pod);

  /// `extra` wins over what the verb sets; an empty value removes the variable.
  Answer Run(const std::string& verb, const Pod& pod, const json::Value& conf,
             const Variables& extra = {});
  Answer Add(const Pod& pod, const json::Value& conf, const Variables& extra = {});
  Answer Del(const Pod& pod, const json::Value& conf, const Variables& extra = {});
  /// With `result` as prevResult.
  Answer Check(const Pod& pod, json::Value conf, const json::Value& result);
  Answer Gc(json::Value conf, const std::vector<Pod>& valid);
  Answer Status(const json::Value& conf);
  /// An ADD that must succeed: its result.
  json::Value Added(const Pod& pod, const json::Value& conf);
  /// The program, ready to be started with that verb.
  static Command CommandFor(const std::string& verb, const Pod& pod, const Variables& extra = {});

  /// Standard output of a program that must succeed.
  static std::string Tell(const std::string& program, const std::vector<std::string>& args);
  /// `ip -json ARGS`, in the pod's namespace where there is one.
  static json::Value Ip(std::vector<std::string> args, const std::optional<Pod>& in = {});
  static bool HasLink(const std::string& name, const std::optional<Pod>& in = {});
  /// One ping out of the pod's namespace. The first waits long for an answer, the second shortly
  /// for there to be none.
  static bool Reaches(const Pod& from, const std::string& address) {
    return Ping(from, address, "9");
  }
  static bool IsCutOff(const Pod& from, const std::string& address) {
    return !Ping(from, address, "1");
  }
  static std::string Ruleset() { return Tell("/usr/sbin/nft", {"list", "ruleset"}); }

  [[nodiscard]] Snapshot Look() const;
  /// What is there now counts as the node's own.
  void Remember() { before_ = Look(); }
  /// Fails the test for each thing that was not there at Remember(), and for each that is gone.
  void ExpectNothingLeft(const std::string& when);

 private:
  static bool Ping(const Pod& from, const std::string& address, const std::string& seconds);
  [[nodiscard]] std::string ListFiles() const;

  Snapshot before_;
  std::vector<Pod> pods_;
  std::map<std::string, std::pair<Pod, json::Value>> attached_;  // by container and network
};

/// The value of the first entry of a list whose `key` is `wanted`; null when there is none.
json::Value FindEntry(const json::Value& list, const std::string& key, const json::Value& wanted);

/// "10.9.0.2/24", ...: an ADD result's addresses.
std::vector<std::string> AddressesOf(const json::Value& result);

}  // namespace trivet::cni
