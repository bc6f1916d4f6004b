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

// What a message is on the wire: s a string, b a bool, u1 to u8 and i4, i8 numbers, [] a list, {} a
// message.
class Layout {
 public:
  template <class... Members>
  void operator()(Members&... members) {
    (Put(members), ...);
  }
  template <class... Members>
  void Since(uint16_t minor, Members&... members) {
    text_ += '+' + std::to_string(minor) + ':';
    (Put(members), ...);
  }
  template <class Message>
  static std::string Of() {
    Layout layout;
    Message message;
    Fields(layout, message);
    return layout.text_;
  }

 private:
  template <class T>
  void Put(T& /*member*/) {
    if constexpr (std::is_same_v<T, bool>) {
      text_ += 'b';
    } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      text_ += (std::is_enum_v<T> || std::is_unsigned_v<T> ? 'u' : 'i') + std::to_string(sizeof(T));
    } else {
      text_ += '{' + Of<T>() + '}';
    }
  }
  void Put(std::string& /*member*/) { text_ += 's'; }
  template <class T>
  void Put(std::vector<T>& /*member*/) {
    T item{};
    text_ += '[';
    Put(item);
    text_ += ']';
  }

  std::string text_;
};

// A daemon that was upgraded speaks with shims of earlier builds until their pods end: see the rule
// in shim.h. What is here may get a "+N:" at its end, and nothing else.
TEST(ShimProtocol, KeepsTheLayoutOfItsVersion) {
  constexpr const char* kProcess = "[s][s]su4u4[u4]u8u8u8bbsss[{u4u8u8}]i4";
  ASSERT_EQ(shim::kMajor, 1u);
  EXPECT_EQ(shim::kMinor, 4u);
  EXPECT_EQ(Layout::Of<shim::Header>(), "u4u4u1i4i4u1s");
  EXPECT_EQ(Layout::Of<shim::Empty>(), "");
  EXPECT_EQ(Layout::Of<shim::Offer>(), "u2");
  EXPECT_EQ(Layout::Of<shim::ContainerRef>(), "s");
  EXPECT_EQ(Layout::Of<shim::ContainerSpec>(),
            fmt::format("s{{{}}}i4bu1s[{{u1si4u8sb}}][{{sbu4u4u4+1:u4u4}}][s][s]s[s]ssbs+2:b+3:[{{u"
                        "1s[s][s]i8}}]s[i4]+4:[i4]",
                        kProcess));
  EXPECT_EQ(Layout::Of<shim::Started>(), "i4u8");
  EXPECT_EQ(Layout::Of<shim::SignalRequest>(), "si4b");
  EXPECT_EQ(Layout::Of<shim::ExecRequest>(), fmt::format("s{{{}}}i8i4i4i4", kProcess));
  EXPECT_EQ(Layout::Of<shim::ExecResult>(), "i4b");
  EXPECT_EQ(Layout::Of<shim::State>(), "si4i4[{su1i4u8{si4bi8}}]+1:s");
  EXPECT_EQ(Layout::Of<shim::ExitRecord>(), "si4bi8");
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

TEST(Wire, LeavesOutAndDoesNotExpectWhatCameWithALaterMinorVersion) {
  const shim::State state{.sandbox_id = "s1", .program_version = "9"};
  const auto earlier = wire::Decode<shim::State>(wire::Encode(state, 0), 0);
  ASSERT_TRUE(earlier);
  EXPECT_EQ(earlier->sandbox_id, "s1");
  EXPECT_EQ(earlier->program_version, "");
  EXPECT_EQ(wire::Decode<shim::State>(wire::Encode(state, 1), 1)->program_version, "9");
}

TEST(Wire, DoesNotLeaveOutWhatIsAskedFor) {
  EXPECT_TRUE(wire::EncodeAll(shim::State{.sandbox_id = "s1"}, 0));
  EXPECT_THAT(wire::EncodeAll(shim::State{.program_version = "9"}, 0),
              FailsWith(Code::kUnimplemented, "version .0 cannot say"));
}

TEST(Wire, ReadsAFileOfAnEarlierMinorVersion) {
  const shim::State state{.sandbox_id = "s1", .program_version = "9"};
  EXPECT_EQ(wire::DecodeKept<shim::State>(wire::Encode(state, 0), 1)->sandbox_id, "s1");
  EXPECT_EQ(wire::DecodeKept<shim::State>(wire::Encode(state, 1), 1)->program_version, "9");
  EXPECT_THAT(wire::DecodeKept<shim::State>("x", 1),
              FailsWith(Code::kInvalidArgument, "ends early"));
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
