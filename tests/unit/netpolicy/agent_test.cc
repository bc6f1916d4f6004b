#include "netpolicy/agent.h"

#include <gmock/gmock.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"
#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;

class FakeSource : public Source {
 public:
  [[nodiscard]] int event_fd() const override { return -1; }
  Result<bool> Refresh() override {
    if (fails) return Fail(Code::kNotFound, "folder went away");
    return std::exchange(changed, false);
  }
  [[nodiscard]] const Cluster& cluster() const override { return cluster_; }
  [[nodiscard]] bool complete() const override { return is_complete; }
  [[nodiscard]] std::vector<std::string> complaints() const override { return lines; }

  void Set(Cluster cluster) {
    cluster_ = std::move(cluster);
    changed = true;
  }
  Cluster cluster_;
  bool changed = true;
  bool fails = false;
  bool is_complete = true;
  std::vector<std::string> lines;
};

/// A kernel that remembers.
class FakeFirewall : public Firewall {
 public:
  Result<> Replace(const Ruleset& desired) override {
    if (broken) return Fail(Code::kPermissionDenied, "no");
    ++replaced;
    table = desired;
    return {};
  }
  Result<> Apply(const Plan& plan, const Ruleset& desired) override {
    if (broken || !table) return Fail(Code::kNotFound, "no table");
    ++applied;
    table = Applied(plan, desired, *table);
    return {};
  }
  Result<> Verify(const Ruleset& desired) override {
    if (table && Same(*table, desired)) return {};
    return Fail(Code::kDataLoss, "set ingress4 was changed");
  }
  Result<> Remove() override {
    table.reset();
    return {};
  }
  [[nodiscard]] int event_fd() const override { return -1; }
  Result<bool> TakeDisturbance() override { return false; }

  std::optional<Ruleset> table;
  bool broken = false;
  int replaced = 0;
  int applied = 0;
};

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    source_.Set(ClusterOf("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n"));
  }
  static policy::Request Add(const std::string& pod = "a",
                             const std::string& address = "10.0.0.1") {
    return {.verb = policy::Verb::kAdd,
            .attachment = {"net", "container-" + pod, "eth0"},
            .pod_namespace = "n",
            .pod_name = pod,
            .addresses = {address}};
  }
  static policy::Request Of(policy::Verb verb, const std::string& pod = "a") {
    policy::Request request = Add(pod);
    request.verb = verb;
    return request;
  }
  /// Whether the table knows the address: unknown ones pass.
  bool Knows(const char* address) {
    return std::ranges::any_of(firewall_.table->sets.at(fixed_sets::kPods4).elements,
                               [&](const auto& one) { return one.key == At(address).bytes; });
  }

  const testing::TempDirectory state_;
  FakeSource source_;
  FakeFirewall firewall_;
  Attachments attachments_ = *Attachments::Open(state_.path());
  Agent agent_{source_, firewall_, attachments_, {}};
};

TEST_F(AgentTest, HasAPodInTheTableWhenItAnswersAdd) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  EXPECT_TRUE(Knows("10.0.0.1"));
  EXPECT_EQ(firewall_.replaced, 1);
  EXPECT_EQ(firewall_.applied, 1);
}

TEST_F(AgentTest, MakesNoTransactionForWhatIsThereAlready) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kStatus)).code, 0);
  source_.changed = true;
  EXPECT_THAT(agent_.Sync(), IsOk());
  EXPECT_EQ(firewall_.applied, 1);
}

TEST_F(AgentTest, ForgetsAPodAndForgetsItTwice) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kDelete)).code, 0);
  EXPECT_FALSE(Knows("10.0.0.1"));
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kDelete)).code, 0);
}

TEST_F(AgentTest, CollectsWhatIsNotValid) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add("a", "10.0.0.1")).code, 0);
  EXPECT_EQ(agent_.Handle(Add("b", "10.0.0.2")).code, 0);
  policy::Request gc = Of(policy::Verb::kGc);
  gc.valid_attachments = {Add("b").attachment};
  EXPECT_EQ(agent_.Handle(gc).code, 0);
  EXPECT_FALSE(Knows("10.0.0.1"));
  EXPECT_TRUE(Knows("10.0.0.2"));
}

TEST_F(AgentTest, RefusesAPodTheKernelRefusesAndForgetsIt) {
  ASSERT_THAT(agent_.Start(), IsOk());
  firewall_.broken = true;
  EXPECT_EQ(agent_.Handle(Add()).code, static_cast<int>(Code::kPermissionDenied));
  EXPECT_EQ(attachments_.Find(Add().attachment), nullptr);
  EXPECT_FALSE(agent_.settled());

  firewall_.broken = false;
  EXPECT_THAT(agent_.Sync(), IsOk());
  EXPECT_TRUE(agent_.settled());
  EXPECT_FALSE(Knows("10.0.0.1"));
}

TEST_F(AgentTest, DeletesAgainWhatTheKernelRefusedToDelete) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  firewall_.broken = true;
  EXPECT_NE(agent_.Handle(Of(policy::Verb::kDelete)).code, 0);
  firewall_.broken = false;
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kDelete)).code, 0);
  EXPECT_FALSE(Knows("10.0.0.1"));
}

TEST_F(AgentTest, ChangesNothingWhileAManifestWasNeverReadable) {
  source_.is_complete = false;
  source_.lines = {"p.yaml:1: bad"};
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_FALSE(firewall_.table.has_value());
  const policy::Answer answer = agent_.Handle(Add());
  EXPECT_EQ(answer.code, static_cast<int>(Code::kUnavailable));
  EXPECT_THAT(answer.message, HasSubstr("p.yaml:1: bad"));
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kDelete)).code, 0) << "a pod may always end";

  source_.is_complete = true;
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
}

TEST_F(AgentTest, EndsPodsButAddsNoneWhileTheFolderIsAway) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  source_.fails = true;
  EXPECT_NE(agent_.Handle(Add("b", "10.0.0.2")).code, 0);
  EXPECT_FALSE(agent_.settled());
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kDelete)).code, 0);
  EXPECT_FALSE(Knows("10.0.0.1"));
}

TEST_F(AgentTest, StatusNamesManifestsThatAreNotInForce) {
  ASSERT_THAT(agent_.Start(), IsOk());
  source_.lines = {"p.yaml:1: bad"};
  const policy::Answer answer = agent_.Handle(Of(policy::Verb::kStatus));
  EXPECT_EQ(answer.code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_THAT(answer.message, HasSubstr("p.yaml:1: bad"));
}

TEST_F(AgentTest, CheckFindsAnUnknownPodAWrongAddressAndAChangedTable) {
  ASSERT_THAT(agent_.Start(), IsOk());
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kCheck)).code, static_cast<int>(Code::kNotFound));
  EXPECT_EQ(agent_.Handle(Add()).code, 0);
  policy::Request check = Of(policy::Verb::kCheck);
  EXPECT_EQ(agent_.Handle(check).code, 0);
  check.addresses = {"10.0.0.9"};
  EXPECT_EQ(agent_.Handle(check).code, static_cast<int>(Code::kFailedPrecondition));
  firewall_.table->sets.at(fixed_sets::kIngress4).elements.clear();
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kCheck)).code, static_cast<int>(Code::kDataLoss));
  EXPECT_EQ(agent_.Handle(Add("b", "10.0.0.2")).code, 0);
  EXPECT_EQ(agent_.Handle(Of(policy::Verb::kCheck)).code, 0) << "the next change restored it";
}

TEST_F(AgentTest, RestoresATableThatWasRemoved) {
  ASSERT_THAT(agent_.Start(), IsOk());
  firewall_.table.reset();
  EXPECT_THAT(agent_.Verify(), IsOk());
  EXPECT_TRUE(firewall_.table.has_value());
  EXPECT_EQ(firewall_.replaced, 2);
}

TEST_F(AgentTest, RefusesAnotherVersionOfTheProtocolAndUnknownVerbs) {
  policy::Request request = Add();
  request.version = 2;
  EXPECT_EQ(agent_.Handle(request).code, static_cast<int>(Code::kUnimplemented));
  EXPECT_EQ(agent_.Handle(Of(static_cast<policy::Verb>(77))).code,
            static_cast<int>(Code::kUnimplemented));
}

struct Bad {
  const char* name;
  void (*spoil)(policy::Request&);
  const char* says;
};

class BadRequest : public AgentTest, public ::testing::WithParamInterface<Bad> {};

TEST_P(BadRequest, IsRefusedAndLeavesNoRecord) {
  ASSERT_THAT(agent_.Start(), IsOk());
  policy::Request request = Add();
  GetParam().spoil(request);
  const policy::Answer answer = agent_.Handle(request);
  EXPECT_EQ(answer.code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_THAT(answer.message, HasSubstr(GetParam().says));
  EXPECT_TRUE(attachments_.Addresses().empty());
}

const auto kNameOfBad = [](const auto& row) { return std::string(row.param.name); };
INSTANTIATE_TEST_SUITE_P(
    Rows, BadRequest,
    ::testing::Values(
        Bad{"NoNetwork", [](auto& r) { r.attachment.network = ""; }, "network: '' is not a name"},
        Bad{"AContainerThatLeavesTheFolder", [](auto& r) { r.attachment.container_id = "../x"; },
            "container id: '../x' is not a name"},
        Bad{"ALongInterface", [](auto& r) { r.attachment.ifname = std::string(16, 'x'); },
            "interface:"},
        Bad{"HalfAPod", [](auto& r) { r.pod_name = ""; }, "only one of namespace and name"},
        Bad{"NoAddress", [](auto& r) { r.addresses.clear(); }, "addresses: 0, 1 to 16 expected"},
        Bad{"TooManyAddresses", [](auto& r) { r.addresses.assign(17, "10.0.0.1"); },
            "addresses: 17"},
        Bad{"AnAddressWithAPrefix", [](auto& r) { r.addresses = {"10.0.0.1/24"}; },
            "addresses: '10.0.0.1/24' is not an IP address"}),
    kNameOfBad);

}  // namespace
}  // namespace trivet::netpolicy
