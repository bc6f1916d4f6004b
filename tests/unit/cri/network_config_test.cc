#include "cri-runtime/cni/network_config.h"

#include "cri-runtime/cni/config_directory.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr std::string_view kList = R"({
  "cniVersion": "1.0.0", "name": "pods",
  "plugins": [
    {"type": "bridge", "bridge": "br0", "capabilities": {"portMappings": true, "dns": false}},
    {"type": "portmap"}]})";

TEST(ParseNetworkConfig, ReadsAList) {
  const auto network = ParseNetworkConfig(kList);
  ASSERT_THAT(network, IsOk());
  EXPECT_EQ(network->name, "pods");
  EXPECT_EQ(network->cni_version, "1.0.0");
  ASSERT_EQ(network->plugins.size(), 2u);
  EXPECT_EQ(network->plugins[1].type, "portmap");
}

TEST(ParseNetworkConfig, ReadsASinglePluginAsAListOfOne) {
  const auto network = ParseNetworkConfig(R"({"name": "n", "type": "bridge"})");
  ASSERT_THAT(network, IsOk());
  EXPECT_EQ(network->plugins.size(), 1u);
}

TEST(ParseNetworkConfig, ChoosesTheNewestVersionItKnowsOfSeveral) {
  const auto network = ParseNetworkConfig(
      R"({"cniVersion": "0.4.0", "cniVersions": ["0.4.0", "1.1.0", "9.0.0"], "name": "n",
          "plugins": [{"type": "b"}]})");
  EXPECT_EQ(network->cni_version, "1.1.0");
}

TEST(ParseNetworkConfig, ReadsWhatTheRuntimeMustNotDo) {
  const auto network = ParseNetworkConfig(
      R"({"name": "n", "type": "b", "disableCheck": "true", "disableGC": true})");
  ASSERT_THAT(network, IsOk());
  EXPECT_TRUE(network->check_disabled);
  EXPECT_TRUE(network->gc_disabled);
}

struct BadConfig {
  std::string name;
  std::string text;
  std::string complaint;
};

class BadNetworkConfigTable : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadNetworkConfigTable, IsRefusedByTheNameOfTheKey) {
  EXPECT_THAT(ParseNetworkConfig(GetParam().text),
              FailsWith(Code::kInvalidArgument, GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    ParseNetworkConfig, BadNetworkConfigTable,
    ::testing::Values(
        BadConfig{"NoName", R"({"plugins": [{"type": "b"}]})", "name: missing"},
        BadConfig{"NameWithSlash", R"({"name": "a/b", "type": "b"})", "name"},
        BadConfig{"NoPlugins", R"({"name": "n", "plugins": []})", "plugins"},
        BadConfig{"NoType", R"({"name": "n", "plugins": [{}]})", "plugins[0]: type: missing"},
        BadConfig{"TypeOutOfItsFolder", R"({"name": "n", "type": "../../bin/sh"})", "type"},
        BadConfig{"RuntimeConfigIsAText",
                  R"({"name": "n", "type": "b", "capabilities": {"dns": true},
                      "runtimeConfig": "x"})",
                  "plugins[0]: runtimeConfig: not an object"},
        BadConfig{"InlinedOnlyAndNone", R"({"name": "n", "loadOnlyInlinedPlugins": true})",
                  "plugins"},
        BadConfig{"FlagOfAnotherType", R"({"name": "n", "type": "b", "disableGC": 1})",
                  "disableGC"},
        BadConfig{"FlagOfAnotherText", R"({"name": "n", "type": "b", "disableCheck": "yes"})",
                  "disableCheck: unexpected \"yes\""},
        BadConfig{"UnknownVersion", R"({"name": "n", "type": "b", "cniVersion": "9.9.9"})",
                  "cniVersion: unexpected \"9.9.9\""},
        BadConfig{"NoJson", "nonsense", ""}, BadConfig{"NoObject", "[1]", "not an object"}),
    [](const auto& row) { return row.param.name; });

TEST(ExecutionConfig, PassesOnlyTheCapabilitiesThatThePluginDeclares) {
  const auto network = ParseNetworkConfig(kList);
  const json::Value args = {{"portMappings", json::Value::array({1})}, {"dns", {{"servers", 1}}}};
  const json::Value config = ExecutionConfig(*network, network->plugins[0], args, nullptr);
  EXPECT_TRUE(config["runtimeConfig"].contains("portMappings"));
  EXPECT_FALSE(config["runtimeConfig"].contains("dns"));
  EXPECT_FALSE(config.contains("capabilities"));
  EXPECT_FALSE(config.contains("prevResult"));
}

TEST(ExecutionConfig, CarriesTheListsNameVersionAndThePreviousResult) {
  const auto network = ParseNetworkConfig(kList);
  const json::Value config =
      ExecutionConfig(*network, network->plugins[1], json::Value::object(), {{"ips", 1}});
  EXPECT_EQ(config["name"], "pods");
  EXPECT_EQ(config["cniVersion"], "1.0.0");
  EXPECT_EQ(config["prevResult"]["ips"], 1);
  EXPECT_FALSE(config.contains("runtimeConfig"));
}

TEST(LoadNetworkConfig, TakesTheFirstByNameThatIsAConfiguration) {
  const testing::TempDirectory folder;
  folder.Fill({{"00-broken.conflist", "{"},
               {"05-notes.txt", "{}"},
               {"10-a.conflist", R"({"name": "a", "type": "b"})"},
               {"20-z.conflist", R"({"name": "z", "type": "b"})"}});
  EXPECT_EQ(LoadNetworkConfig(folder.path())->name, "a");
}

TEST(LoadNetworkConfig, AppendsThePluginsOfTheListsFolder) {
  const testing::TempDirectory folder;
  folder.Fill({{"10.conflist", R"({"name": "a", "plugins": [{"type": "one"}]})"},
               {"a/20-z.conf", R"({"type": "three"})"},
               {"a/10-b.conf", R"({"type": "two"})"},
               {"a/notes.json", "{"}});
  const auto network = LoadNetworkConfig(folder.path());
  ASSERT_THAT(network, IsOk());
  ASSERT_EQ(network->plugins.size(), 3u);
  EXPECT_EQ(network->plugins[1].type, "two");
  EXPECT_EQ(ParseNetworkConfig(network->text)->plugins.size(), 3u);  // the record needs no folder
}

TEST(LoadNetworkConfig, LeavesAListThatHasAllItsPlugins) {
  const testing::TempDirectory folder;
  folder.Fill({{"10.conflist", R"({"name": "a", "loadOnlyInlinedPlugins": true,
                                   "plugins": [{"type": "one"}]})"},
               {"a/10-b.conf", R"({"type": "two"})"}});
  EXPECT_EQ(LoadNetworkConfig(folder.path())->plugins.size(), 1u);
}

TEST(LoadNetworkConfig, TakesAListWhosePluginsAreAllInItsFolder) {
  const testing::TempDirectory folder;
  folder.Fill({{"10.conflist", R"({"name": "a"})"}, {"a/10-b.conf", R"({"type": "two"})"}});
  EXPECT_EQ(LoadNetworkConfig(folder.path())->plugins.size(), 1u);
}

TEST(LoadNetworkConfig, NamesThePluginFileThatIsBroken) {
  const testing::TempDirectory folder;
  folder.Fill(
      {{"10.conflist", R"({"name": "a", "plugins": [{"type": "one"}]})"}, {"a/10-b.conf", "{"}});
  EXPECT_THAT(LoadNetworkConfig(folder.path()), FailsWith(Code::kNotFound, "a/10-b.conf"));
}

TEST(LoadNetworkConfig, SaysWhyAFileWasPassedOverWhenThereIsNoOther) {
  const testing::TempDirectory folder;
  folder.Fill({{"00.conflist", R"({"name": "a"})"}});
  EXPECT_THAT(LoadNetworkConfig(folder.path()), FailsWith(Code::kNotFound, "00.conflist"));
}

TEST(LoadNetworkConfig, IsNotFoundWithoutAFolder) {
  EXPECT_THAT(LoadNetworkConfig("/nowhere/at/all"),
              FailsWith(Code::kNotFound, "no network configuration in /nowhere/at/all"));
}

}  // namespace
}  // namespace trivet::network
