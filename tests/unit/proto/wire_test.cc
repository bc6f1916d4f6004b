#include "proto/trivet/wire.h"

#include "proto/trivet/policy.h"
#include "proto/trivet/shim.h"
#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;

shim::ContainerSpec SomeContainer() {
  shim::ContainerSpec spec{.id = "c1"};
  spec.process.args = {"/bin/sh", "-c", "true"};
  spec.process.oom_score_adj = -998;
  spec.mounts = {{.kind = shim::MountKind::kTmpfs, .target = "/tmp", .options = "mode=1777"}};
  spec.pid = shim::NamespaceMode::kContainer;
  return spec;
}

TEST(Wire, GivesBackWhatWasWritten) {
  const auto spec = wire::Decode<shim::ContainerSpec>(wire::Encode(SomeContainer()));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->id, "c1");
  EXPECT_THAT(spec->process.args, ElementsAre("/bin/sh", "-c", "true"));
  EXPECT_EQ(spec->process.oom_score_adj, -998);
  EXPECT_EQ(spec->root_fd_index, shim::kNoFd);
  EXPECT_EQ(spec->mounts.at(0).options, "mode=1777");
  EXPECT_EQ(spec->pid, shim::NamespaceMode::kContainer);
}

TEST(Wire, RefusesEveryTruncatedMessage) {
  const std::string bytes = wire::Encode(SomeContainer());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(wire::Decode<shim::ContainerSpec>(bytes.substr(0, size)),
                FailsWith(Code::kInvalidArgument, "ends early"));
  }
}

TEST(Wire, RefusesBytesAfterTheMessage) {
  EXPECT_THAT(wire::Decode<policy::Answer>(wire::Encode(policy::Answer{}) + "x"),
              FailsWith(Code::kInvalidArgument, "goes on after its end"));
}

TEST(Wire, DoesNotBelieveALengthLargerThanTheMessage) {
  const std::string huge_list = "\xff\xff\xff\xff";
  EXPECT_THAT(wire::Decode<shim::SandboxSpec>(huge_list),
              FailsWith(Code::kInvalidArgument, "ends early"));
}

}  // namespace
}  // namespace trivet
