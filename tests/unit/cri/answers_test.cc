#include "cri-runtime/service/answers.h"

#include <gtest/gtest.h>

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

state::Sandbox Sandbox() {
  sandbox::Record record{.id = "abcdef", .config = {.labels = {{"app", "web"}, {"tier", "1"}}}};
  return {std::make_shared<const sandbox::Record>(record),
          {.phase = sandbox::Phase::kReady, .ips = {"10.0.0.2", "fd00::2"}}};
}

state::Container Container(container::State state) {
  container::Record record{.id = "c1", .sandbox_id = "abcdef", .image_id = "sha256:1"};
  return {std::make_shared<const container::Record>(record), state};
}

v1::ContainerStatus StatusOf(container::State state) {
  v1::ContainerStatus status;
  FillContainerStatus(Container(std::move(state)), status);
  return status;
}

TEST(FillSandboxStatus, NamesTheFirstAddressAndTheOthers) {
  v1::PodSandboxStatus status;
  FillSandboxStatus(Sandbox(), status);
  EXPECT_EQ(status.network().ip(), "10.0.0.2");
  EXPECT_EQ(status.network().additional_ips(0).ip(), "fd00::2");
}

TEST(FillContainerStatus, SaysWhyAContainerHasEnded) {
  const auto exited = container::Phase::kExited;
  EXPECT_EQ(StatusOf({.phase = exited}).reason(), "Completed");
  EXPECT_EQ(StatusOf({.phase = exited, .exit_code = 3}).reason(), "Error");
  EXPECT_EQ(StatusOf({.phase = exited, .exit_code = 137, .oom_killed = true}).reason(),
            "OOMKilled");
  EXPECT_EQ(StatusOf({.phase = exited, .exit_code = 128, .message = "execve"}).reason(),
            "StartError");
  EXPECT_EQ(StatusOf({.phase = container::Phase::kRunning}).reason(), "");
}

TEST(FillContainerStatus, NamesTheImageTheSameWayEverywhere) {
  const v1::ContainerStatus status = StatusOf({});
  EXPECT_EQ(status.image_id(), "sha256:1");
  EXPECT_EQ(status.image_ref(), "sha256:1");
}

TEST(FillContainerStatus, NamesTheImageAsTheUserDid) {
  container::Record record{.id = "c1", .config = {.image = "sha256:1"}};
  v1::ContainerStatus by_id;
  FillContainerStatus({std::make_shared<const container::Record>(record), {}}, by_id);
  EXPECT_EQ(by_id.image().image(), "sha256:1");
  record.config.user_specified_image = "web:1";
  v1::ContainerStatus named;
  FillContainerStatus({std::make_shared<const container::Record>(record), {}}, named);
  EXPECT_EQ(named.image().image(), "web:1");
}

TEST(Matches, NeedsEveryPartOfTheFilter) {
  v1::PodSandboxFilter filter;
  EXPECT_TRUE(Matches(Sandbox(), filter));
  filter.set_id("abc");
  (*filter.mutable_label_selector())["app"] = "web";
  EXPECT_TRUE(Matches(Sandbox(), filter));
  (*filter.mutable_label_selector())["tier"] = "2";
  EXPECT_FALSE(Matches(Sandbox(), filter));
}

TEST(Matches, ComparesTheState) {
  v1::PodSandboxFilter filter;
  filter.mutable_state()->set_state(v1::SANDBOX_NOTREADY);
  EXPECT_FALSE(Matches(Sandbox(), filter));
  v1::ContainerFilter of_containers;
  of_containers.mutable_state()->set_state(v1::CONTAINER_EXITED);
  EXPECT_TRUE(Matches(Container({.phase = container::Phase::kExited}), of_containers));
  EXPECT_FALSE(Matches(Container({.phase = container::Phase::kRunning}), of_containers));
}

TEST(Matches, FindsTheContainersOfASandbox) {
  v1::ContainerFilter filter;
  filter.set_pod_sandbox_id("abcdef");
  EXPECT_TRUE(Matches(Container({}), filter));
  filter.set_pod_sandbox_id("other");
  EXPECT_FALSE(Matches(Container({}), filter));
}

}  // namespace
}  // namespace trivet::cri
