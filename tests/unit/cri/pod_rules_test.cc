#include "cri-runtime/container/pod_rules.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using sandbox::NamespaceMode;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;

TEST(CheckPodAllows, TakesWhatThePodHas) {
  const sandbox::Namespaces node{
      .network = NamespaceMode::kNode, .ipc = NamespaceMode::kNode, .pid = NamespaceMode::kNode};
  const sandbox::Config pod{.namespaces = node, .privileged = true};
  EXPECT_THAT(CheckPodAllows({.privileged = true, .namespaces = node}, pod), IsOk());
  EXPECT_THAT(CheckPodAllows({}, pod), IsOk());
  EXPECT_THAT(CheckPodAllows({.privileged = true, .pod_is_privileged = true}, {}), IsOk());
  EXPECT_THAT(CheckPodAllows({.namespaces = {.pid = NamespaceMode::kContainer}}, pod), IsOk());
}

TEST(CheckPodAllows, RefusesWhatThePodDoesNotHave) {
  const auto check = [](const Security& security) { return CheckPodAllows(security, {}); };
  EXPECT_THAT(check({.privileged = true}), FailsWith(Code::kInvalidArgument, "privileged"));
  EXPECT_THAT(check({.namespaces = {.network = NamespaceMode::kNode}}),
              FailsWith(Code::kInvalidArgument, "network: NODE"));
  EXPECT_THAT(check({.namespaces = {.ipc = NamespaceMode::kNode}}),
              FailsWith(Code::kInvalidArgument, "ipc: NODE"));
  EXPECT_THAT(check({.namespaces = {.pid = NamespaceMode::kNode}}),
              FailsWith(Code::kInvalidArgument, "pid: NODE"));
}

TEST(PathsToHide, AreThoseOfTheRequest) {
  const HiddenPaths paths = PathsToHide({.masked_paths = {"/a"}, .readonly_paths = {"/b"}}, {});
  EXPECT_THAT(paths.masked, ElementsAre("/a"));
  EXPECT_THAT(paths.readonly, ElementsAre("/b"));
}

TEST(PathsToHide, AreTheDefaultsWhenTheRequestNamesNone) {
  const HiddenPaths paths = PathsToHide({}, {});
  EXPECT_THAT(paths.masked, Contains("/proc/kcore"));
  EXPECT_THAT(paths.readonly, Contains("/proc/sys"));
}

TEST(PathsToHide, AreNoneInAUserNamespaceWhenTheRequestNamesNone) {
  const sandbox::Config pod{.namespaces = {.user = sandbox::UserNamespace{}}};
  const HiddenPaths paths = PathsToHide({}, pod);
  EXPECT_THAT(paths.masked, IsEmpty());
  EXPECT_THAT(paths.readonly, IsEmpty());
}

}  // namespace
}  // namespace trivet::container
