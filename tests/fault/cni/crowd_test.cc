// Two hundred pods of one network at once, each with the whole chain of types.
#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "tests/integration/cni/chain_test.h"

namespace trivet::cni {
namespace {

class CrowdTest : public ChainTest {
 protected:
  static constexpr int kPods = 200;

  struct Member {
    Pod pod;
    std::vector<json::Value> chain;  // the configurations in their order, without prevResult
    json::Value result;
  };

  std::vector<Member> MakeCrowd() {
    std::vector<Member> crowd;
    for (int i = 0; i < kPods; ++i) {
      crowd.push_back({.pod = MakePod(fmt::format("p{}", i)), .chain = Chain(8000 + i)});
    }
    return crowd;
  }
  [[nodiscard]] std::vector<json::Value> Chain(int host_port) const {
    const json::Value mapping{{"hostPort", host_port}, {"containerPort", 80}, {"protocol", "tcp"}};
    return {Conf(),
            Chained("portmap",
                    {{"runtimeConfig", {{"portMappings", json::Value::array({mapping})}}}}, {}),
            Chained("firewall", {{"ingressPolicy", "same-bridge"}}, {}),
            Chained("bandwidth",
                    {{"ingressRate", 8000000},
                     {"ingressBurst", 80000},
                     {"egressRate", 8000000},
                     {"egressBurst", 80000}},
                    {})};
  }
  static void AtOnce(std::vector<Member>& crowd, const std::function<void(Member&)>& work) {
    std::vector<std::thread> threads;
    threads.reserve(crowd.size());
    for (Member& member : crowd) threads.emplace_back([&] { work(member); });
    for (std::thread& thread : threads) thread.join();
  }
  void AddChain(Member& member) {
    for (json::Value conf : member.chain) {
      if (!member.result.is_null()) conf["prevResult"] = member.result;
      const Answer answer = Run("ADD", member.pod, conf);
      EXPECT_THAT(answer, Succeeds()) << member.pod.id << " " << conf["type"];
      if (!answer.ok()) return;
      member.result = answer.value;
    }
  }
  void CheckChain(Member& member) {
    for (const json::Value& conf : member.chain) {
      EXPECT_THAT(Check(member.pod, conf, member.result), Succeeds())
          << member.pod.id << " " << conf["type"];
    }
  }
  void DelChain(Member& member) {
    std::for_each(member.chain.rbegin(), member.chain.rend(), [&](json::Value conf) {
      if (!member.result.is_null()) conf["prevResult"] = member.result;
      EXPECT_THAT(Run("DEL", member.pod, conf), Succeeds()) << member.pod.id << " " << conf["type"];
    });
  }
};

TEST_F(CrowdTest, EachGetsAnAddressOfItsOwnAndNothingIsLeftOfAll) {
  std::vector<Member> crowd = MakeCrowd();

  AtOnce(crowd, [&](Member& member) { AddChain(member); });

  std::set<std::string> addresses;
  for (const Member& member : crowd) {
    for (const std::string& address : AddressesOf(member.result)) addresses.insert(address);
  }
  EXPECT_EQ(addresses.size(), size_t{2} * kPods);
  AtOnce(crowd, [&](Member& member) { CheckChain(member); });

  AtOnce(crowd, [&](Member& member) { DelChain(member); });
  ExpectNothingLeft("after all DELs");
}

TEST_F(CrowdTest, ThoseThatComeAndThoseThatGoDoNotDisturbEachOther) {
  std::vector<Member> crowd = MakeCrowd();
  std::vector<Member> first(crowd.begin(), crowd.begin() + kPods / 2);
  AtOnce(first, [&](Member& member) { AddChain(member); });
  std::copy(first.begin(), first.end(), crowd.begin());

  AtOnce(crowd, [&](Member& member) {
    if (member.result.is_null()) {
      AddChain(member);
      CheckChain(member);
    } else {
      DelChain(member);
      member.result = nullptr;
    }
  });

  std::set<std::string> addresses;
  for (const Member& member : crowd) {
    for (const std::string& address : AddressesOf(member.result)) addresses.insert(address);
  }
  EXPECT_EQ(addresses.size(), size_t{kPods});
  AtOnce(crowd, [&](Member& member) { DelChain(member); });
  ExpectNothingLeft("after all DELs");
}

}  // namespace
}  // namespace trivet::cni
