// The rules that pods share: an ADD leaves them alone where they are right, and mends them where
// they are not.
#include <sys/socket.h>

#include <algorithm>
#include <functional>

#include "tests/integration/cni/host_port_test.h"

namespace trivet::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Arguments = std::vector<std::string>;

enum class Alteration { kFlush, kAppend, kInsert, kReplace, kDelete, kPolicy, kEverything };
const std::vector<Alteration> kAllOfARegularChain{Alteration::kFlush,  Alteration::kAppend,
                                                  Alteration::kInsert, Alteration::kReplace,
                                                  Alteration::kDelete, Alteration::kEverything};
const std::vector<Alteration> kOfABaseChain{Alteration::kReplace, Alteration::kPolicy};
const std::vector<Alteration> kReplaced{Alteration::kReplace};

class StandingRulesTest : public HostPortTest {
 protected:
  Attached AttachChecked(const std::string& id) { return Attach(id, 0, {{"macspoofchk", true}}); }
  void Map(const Attached& attached, int host_port) {
    EXPECT_THAT(Run("ADD", attached.pod, Mapped(attached, {Mapping(host_port, 80)})), Succeeds());
  }
  void Wall(const Attached& attached) {
    EXPECT_THAT(Run("ADD", attached.pod, Walled(attached)), Succeeds());
  }
  void Unchain(const Attached& attached) {
    EXPECT_THAT(Run("DEL", attached.pod, Walled(attached)), Succeeds());
    EXPECT_THAT(Run("DEL", attached.pod, Mapped(attached, {})), Succeeds());
  }
  [[nodiscard]] json::Value Walled(const Attached& attached) const {
    return Chained("firewall", {{"ingressPolicy", "same-bridge"}}, attached.result);
  }

  static std::string Nft(Arguments arguments, const Arguments& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tell("/usr/sbin/nft", arguments);
  }
  /// Chains and sets without elements, and the handles, of which a new rule gets a new one.
  static std::string Everything() { return Nft({"-a", "-t", "list", "ruleset"}, {}); }
  /// The first chain of `table` whose name begins so.
  static std::string ChainOf(const Arguments& table, const std::string& prefix) {
    const std::string text = Nft({"list", "table"}, table);
    const size_t at = text.find("chain " + prefix) + std::string("chain ").size();
    return text.substr(at, text.find(' ', at) - at);
  }
  static std::string FirstRule(const Arguments& chain) {
    const std::string text = Nft({"-a", "list", "chain"}, chain);
    const std::string mark = "# handle ";
    // The chain's own is the first; a base chain's rules come after its policy.
    const size_t chains = text.find(mark) + 1;
    const size_t at = text.find(mark, std::max(chains, text.find("policy") + 1)) + mark.size();
    return text.substr(at, text.find('\n', at) - at);
  }
  /// Does that to the first rule, the chain, or everything.
  static void Alter(Alteration alteration, const Arguments& chain) {
    const auto change = [&](const Arguments& verb, const Arguments& more) {
      Arguments arguments = verb;
      arguments.insert(arguments.end(), chain.begin(), chain.end());
      Nft(arguments, more);
    };
    switch (alteration) {
      case Alteration::kFlush:
        return change({"flush", "chain"}, {});
      case Alteration::kAppend:
        return change({"add", "rule"}, {"counter"});
      case Alteration::kInsert:
        return change({"insert", "rule"}, {"accept"});
      case Alteration::kReplace:
        return change({"replace", "rule"}, {"handle", FirstRule(chain), "counter"});
      case Alteration::kDelete:
        return change({"delete", "rule"}, {"handle", FirstRule(chain)});
      case Alteration::kPolicy:
        return change({"add", "chain"}, {"{ policy drop; }"});
      case Alteration::kEverything:
        Nft({"flush", "ruleset"}, {});
    }
  }
  /// That `mend` undoes what a person did to the chain.
  static void ExpectMended(const Arguments& table, const std::string& name,
                           const std::vector<Alteration>& alterations,
                           const std::function<void()>& mend) {
    const std::string right = Nft({"-t", "list", "table"}, table);
    for (const Alteration alteration : alterations) {
      Alter(alteration, {table[0], table[1], name});
      EXPECT_THAT(Nft({"-t", "list", "ruleset"}, {}), Not(HasSubstr(right)));
      mend();
      EXPECT_EQ(Nft({"-t", "list", "table"}, table), right)
          << "alteration " << static_cast<int>(alteration) << " of " << name;
    }
  }
};

TEST_F(StandingRulesTest, AnAddSendsNoRuleThatIsThere) {
  const Attached a = AttachChecked("a");
  Map(a, 8080);
  Wall(a);
  const std::string before = Everything();
  for (const char* part : {"inet trivet_cni", "bridge trivet_cni", "trivet_host_ports",
                           "masquerade_13", "trivet_firewall"}) {
    EXPECT_THAT(before, HasSubstr(part));
  }

  const Attached b = AttachChecked("b");
  Map(b, 8081);
  Wall(b);

  EXPECT_EQ(Everything(), before);
  EXPECT_THAT(Ruleset(), HasSubstr(" . 8081 "));
  Unchain(a);
  EXPECT_EQ(Everything(), before);
  Unchain(b);
}

TEST_F(StandingRulesTest, AnAddMendsTheMasqueradeAndTheSpoofCheck) {
  AttachChecked("a");
  int pods = 0;
  const auto mend = [&] { AttachChecked(fmt::format("p{}", pods++)); };

  ExpectMended({"inet", "trivet_cni"}, ChainOf({"inet", "trivet_cni"}, "net_"), kOfABaseChain,
               mend);
  ExpectMended({"bridge", "trivet_cni"}, "spoof_check",
               {Alteration::kReplace, Alteration::kPolicy, Alteration::kEverything}, mend);
}

TEST_F(StandingRulesTest, AnAddMendsWhatLeadsToHostPorts) {
  const Arguments table{"inet", "trivet_host_ports"};
  const Attached a = Attach("a");
  Map(a, 8080);
  const auto mend = [&] { Map(a, 8080); };

  ExpectMended(table, "host_ports", kAllOfARegularChain, mend);
  ExpectMended(table, "output", kOfABaseChain, mend);
  for (const char* chain : {"loopback_guard", "masquerade_13", "pods_"}) {
    ExpectMended(table, ChainOf(table, chain), kReplaced, mend);
  }
  EXPECT_EQ(SeenFrom(client_, "192.0.2.1", 8080, Serve(a.pod, SOCK_STREAM, 80)), "192.0.2.2");
  EXPECT_THAT(Run("DEL", a.pod, Mapped(a, {})), Succeeds());
}

TEST_F(StandingRulesTest, AnAddMendsTheFirewall) {
  const Attached a = Attach("a");
  Wall(a);

  ExpectMended({"inet", "trivet_firewall"}, "forward", kOfABaseChain, [&] { Wall(a); });

  EXPECT_THAT(Run("DEL", a.pod, Walled(a)), Succeeds());
}

}  // namespace
}  // namespace trivet::cni
