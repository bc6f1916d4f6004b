#include "tests/integration/cni/chain_test.h"

#include <chrono>
#include <thread>

#include "tests/integration/cni/kill.h"

namespace trivet::cni {

json::Value ChainTest::Chained(const std::string& type, const json::Value& members,
                               const json::Value& previous) const {
  json::Value conf{{"cniVersion", "1.1.0"},
                   {"name", "testnet"},
                   {"type", type},
                   {"stateDir", state()},
                   {"prevResult", previous}};
  conf.update(members);
  return conf;
}

void ChainTest::RecoverFromEachKill(const std::string& type, const json::Value& members) {
  constexpr int kWays = 3;
  const Pod pod = MakePod("c1");
  const json::Value conf = Chained(type, members, AddedToBridge(pod));
  const Snapshot before = LookBesideBridge(pod);
  for (int at = 1;; at += KillStride()) {
    const End end = KillAtSystemCall(CommandFor("ADD", pod), conf, at);
    Recover(at % kWays, pod, conf);
    EXPECT_EQ(LookBesideBridge(pod), before) << "after ADD was killed at system call " << at;
    if (end == End::kSucceeded || HasFailure()) {
      EXPECT_GT(at, 30) << "system calls until the end";
      break;
    }
  }
}

void ChainTest::RecoverFromEachKilledDel(const std::string& type, const json::Value& members) {
  const Pod pod = MakePod("c1");
  const json::Value conf = Chained(type, members, AddedToBridge(pod));
  const Snapshot before = LookBesideBridge(pod);
  for (int at = 1;; at += KillStride()) {
    EXPECT_THAT(Run("ADD", pod, conf), Succeeds());
    const End end = KillAtSystemCall(CommandFor("DEL", pod), conf, at);
    EXPECT_THAT(Run("DEL", pod, conf), Succeeds());
    EXPECT_EQ(LookBesideBridge(pod), before) << "after DEL was killed at system call " << at;
    if (end == End::kSucceeded || HasFailure()) {
      EXPECT_GT(at, 30) << "system calls until the end";
      break;
    }
  }
}

// The kernel tells a new bridge of its first port's carrier when it comes to it: at once, or within
// a second while others make links (net/core/link_watch.c). Only then has it the address of its
// own.
json::Value ChainTest::AddedToBridge(const Pod& pod) {
  json::Value result = Added(pod, Conf());
  for (int look = 0; look < 1000; ++look) {
    const std::string own =
        Tell("/usr/sbin/ip", {"-o", "-6", "address", "show", "dev", "br0", "scope", "link"});
    if (own.find("fe80::") != std::string::npos && own.find("tentative") == std::string::npos) {
      return result;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "bridge br0 has no address of its own after 10 s";
  return result;
}

Snapshot ChainTest::LookBesideBridge(const Pod& pod) const {
  Snapshot now = Look();
  now["links"] = Tell("/usr/sbin/ip", {"-o", "link"});
  now["links in the pod"] = Tell("/usr/sbin/ip", {"-n", pod.id, "-o", "link"});
  return now;
}

void ChainTest::Recover(int way, const Pod& pod, const json::Value& conf) {
  switch (way) {
    case 0: {
      json::Value bare = conf;
      bare.erase("prevResult");
      EXPECT_THAT(Run("DEL", pod, bare), Succeeds());
      break;
    }
    case 1:
      EXPECT_THAT(Gc(conf, {}), Succeeds());
      break;
    default: {
      const Answer answer = Run("ADD", pod, conf);
      EXPECT_THAT(answer, Succeeds());
      EXPECT_THAT(Check(pod, conf, answer.value), Succeeds());
      EXPECT_THAT(Run("DEL", pod, conf), Succeeds());
    }
  }
}

}  // namespace trivet::cni
