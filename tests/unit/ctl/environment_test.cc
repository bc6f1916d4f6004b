#include "ctl/node/environment.h"

#include "ctl/node/facts.h"
#include "tests/testing/matchers.h"

namespace trivet::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Expand, ReplacesKnownNamesAndLeavesTheRest) {
  const std::map<std::string, std::string> known = {{"A", "1"}, {"B", "$(A)"}};
  EXPECT_EQ(Expand("x $(A) y", known), "x 1 y");
  EXPECT_EQ(Expand("$(B)", known), "$(A)");
  EXPECT_EQ(Expand("$(NONE)", known), "$(NONE)");
  EXPECT_EQ(Expand("$$(A)", known), "$(A)");
  EXPECT_EQ(Expand("$(A", known), "$(A");
  EXPECT_EQ(Expand("cost $5 $", known), "cost $5 $");
}

TEST(MakeEnvironment, ResolvesFieldsAndEarlierVariables) {
  Pod pod;
  pod.metadata = {.name = "p", .name_space = "n", .labels = {{"app", "web"}}};
  const Container container{.env = {{.name = "IP", .field_path = "status.podIP"},
                                    {.name = "APP", .field_path = "metadata.labels['app']"},
                                    {.name = "URL", .value = "http://$(IP)/$(LATER)"},
                                    {.name = "LATER", .value = "x"}}};
  const PodPlace place{.uid = "u", .node_name = "node", .pod_ips = {"10.0.0.2", "fd00::2"}};
  EXPECT_THAT(MakeEnvironment(pod, container, place),
              ElementsAre(Pair("IP", "10.0.0.2"), Pair("APP", "web"),
                          Pair("URL", "http://10.0.0.2/$(LATER)"), Pair("LATER", "x")));
}

TEST(ParseResolvConf, KeepsServersTheLastSearchAndOptions) {
  const DnsConfig dns = ParseResolvConf(
      "# c\nnameserver 10.0.0.1\nnameserver fd00::1\nsearch a b\nsearch c\noptions ndots:2\nx\n");
  EXPECT_THAT(dns.servers, ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_THAT(dns.searches, ElementsAre("c"));
  EXPECT_THAT(dns.options, ElementsAre("ndots:2"));
}

}  // namespace
}  // namespace trivet::ctl
