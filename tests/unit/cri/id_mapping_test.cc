#include "cri-runtime/service/id_mapping.h"

#include <functional>

#include "cri-runtime/container/id_mapping.h"
#include "tests/testing/matchers.h"

namespace trivet::cri {
namespace {

using testing::FailsWith;
using testing::IsOk;
namespace v1 = ::runtime::v1;

void SetMapping(v1::IDMapping& mapping, uint32_t host_id, uint32_t length) {
  mapping.set_host_id(host_id);
  mapping.set_length(length);
}

v1::NamespaceOption UserNamespaceOption() {
  v1::NamespaceOption options;
  options.mutable_userns_options()->set_mode(v1::POD);
  SetMapping(*options.mutable_userns_options()->add_uids(), 65536, 65536);
  SetMapping(*options.mutable_userns_options()->add_gids(), 131072, 1000);
  return options;
}

TEST(ParseUserNamespace, TakesTheMappingsAsTheyAreGiven) {
  const auto parsed = ParseUserNamespace(UserNamespaceOption());
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->value(), (sandbox::UserNamespace{{65536, 65536}, {131072, 1000}}));
}

TEST(ParseUserNamespace, IsTheNodesWithoutOptionsAndForNode) {
  EXPECT_FALSE(ParseUserNamespace({})->has_value());
  v1::NamespaceOption node;
  node.mutable_userns_options()->set_mode(v1::NODE);
  EXPECT_FALSE(ParseUserNamespace(node)->has_value());
}

struct BadUserNamespace {
  std::string name;
  std::function<void(v1::NamespaceOption&, v1::UserNamespace&)> spoil;
  std::string words;
};

class BadUserNamespaceTable : public ::testing::TestWithParam<BadUserNamespace> {};

TEST_P(BadUserNamespaceTable, IsRefused) {
  v1::NamespaceOption options = UserNamespaceOption();
  GetParam().spoil(options, *options.mutable_userns_options());
  EXPECT_THAT(ParseUserNamespace(options), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    , BadUserNamespaceTable,
    ::testing::Values(
        BadUserNamespace{"OfTheContainer", [](auto&, auto& u) { u.set_mode(v1::CONTAINER); },
                         "mode: neither POD nor NODE"},
        BadUserNamespace{"OfATarget", [](auto&, auto& u) { u.set_mode(v1::TARGET); },
                         "mode: neither POD nor NODE"},
        BadUserNamespace{"NodeWithMappings", [](auto&, auto& u) { u.set_mode(v1::NODE); },
                         "mode: NODE has no mappings"},
        BadUserNamespace{"NoUsers", [](auto&, auto& u) { u.clear_uids(); },
                         "uids: 0 mappings instead of one"},
        BadUserNamespace{"TwoOfGroups", [](auto&, auto& u) { *u.add_gids() = u.gids(0); },
                         "gids: 2 mappings instead of one"},
        BadUserNamespace{"RootIsNotMapped",
                         [](auto&, auto& u) { u.mutable_uids(0)->set_container_id(1); },
                         "uids: container_id: 1"},
        BadUserNamespace{"RootOfTheNode", [](auto&, auto& u) { u.mutable_uids(0)->set_host_id(0); },
                         "uids: host_id: 0"},
        BadUserNamespace{"Empty", [](auto&, auto& u) { u.mutable_gids(0)->set_length(0); },
                         "gids: length: is 0"},
        BadUserNamespace{"Overflow",
                         [](auto&, auto& u) { SetMapping(*u.mutable_uids(0), 4294901760, 65536); },
                         "uids: length: 65536 from 4294901760"},
        BadUserNamespace{"NetworkOfTheNode", [](auto& o, auto&) { o.set_network(v1::NODE); },
                         "cannot be combined"},
        BadUserNamespace{"IpcOfTheNode", [](auto& o, auto&) { o.set_ipc(v1::NODE); },
                         "cannot be combined"},
        BadUserNamespace{"PidsOfTheNode", [](auto& o, auto&) { o.set_pid(v1::NODE); },
                         "cannot be combined"}),
    [](const auto& row) { return row.param.name; });

class CheckIdMappingsTest : public ::testing::Test {
 protected:
  sandbox::UserNamespace own_{{65536, 65536}, {65536, 65536}};
  sandbox::Config pod_{.namespaces = {.user = own_}};
  container::Config config_{.mounts = {{.container_path = "/data", .id_mapping = own_}}};
};

TEST_F(CheckIdMappingsTest, TakesThoseOfThePod) {
  config_.security.namespaces.user = own_;
  EXPECT_THAT(container::CheckIdMappings(config_, pod_), IsOk());
}

TEST_F(CheckIdMappingsTest, TakesAContainerThatLeavesThemToThePod) {
  EXPECT_THAT(container::CheckIdMappings({}, pod_), IsOk());
}

TEST_F(CheckIdMappingsTest, RefusesOthersForTheContainer) {
  config_.security.namespaces.user = sandbox::UserNamespace{{1000, 65536}, {65536, 65536}};
  EXPECT_THAT(container::CheckIdMappings(config_, pod_),
              FailsWith(Code::kInvalidArgument, "userns_options"));
}

TEST_F(CheckIdMappingsTest, RefusesOthersForAMountAndNamesIt) {
  config_.mounts[0].id_mapping->gids.host_id = 1000;
  EXPECT_THAT(container::CheckIdMappings(config_, pod_),
              FailsWith(Code::kInvalidArgument, "mount /data: uidMappings"));
}

TEST_F(CheckIdMappingsTest, RefusesAMappedMountWithoutAUserNamespace) {
  EXPECT_THAT(container::CheckIdMappings(config_, {}),
              FailsWith(Code::kInvalidArgument, "mount /data: uidMappings"));
}

TEST_F(CheckIdMappingsTest, RefusesPropagationOutOfTheUserNamespace) {
  config_.mounts[0].propagation = container::Propagation::kBidirectional;
  EXPECT_THAT(container::CheckIdMappings(config_, pod_),
              FailsWith(Code::kInvalidArgument, "mount /data: propagation"));
}

}  // namespace
}  // namespace trivet::cri
