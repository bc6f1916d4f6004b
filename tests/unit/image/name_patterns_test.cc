#include "cri-runtime/image/name_patterns.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

const std::string kDigest = "sha256:" + std::string(64, 'a');

struct Row {
  std::string name;
  std::string pattern;
  std::string image;
  bool means;
};
class NamePattern : public ::testing::TestWithParam<Row> {};

TEST_P(NamePattern, MeansAnImageOrDoesNot) {
  const auto patterns = NamePatterns::Parse({"localhost/other:1", GetParam().pattern});

  ASSERT_THAT(patterns, IsOk());
  EXPECT_EQ(patterns->MeanOneOf({"localhost/another:1", GetParam().image}), GetParam().means);
}

INSTANTIATE_TEST_SUITE_P(
    Image, NamePattern,
    ::testing::Values(
        Row{"Short", "busybox", "docker.io/library/busybox:latest", true},
        Row{"Full", "docker.io/library/busybox:1", "docker.io/library/busybox:1", true},
        Row{"OtherTag", "busybox:1", "docker.io/library/busybox:12", false},
        Row{"Digest", "busybox@" + kDigest, "docker.io/library/busybox@" + kDigest, true},
        Row{"Beginning", "r.example/base/*", "r.example/base/os:1", true},
        Row{"BeginningInTheMiddle", "r.example/*", "mirror/r.example/base:1", false},
        Row{"BeginningOfAShortName", "busybox*", "docker.io/library/busybox:1", false},
        Row{"Part", "*pause*", "r.example/pause:3", true},
        Row{"NoPart", "*pause*", "r.example/paus:3", false},
        Row{"DotIsADot", "rxexample/*", "r.example/base:1", false},
        Row{"All", "*", "r.example/pause:3", true}),
    [](const auto& row) { return row.param.name; });

TEST(NamePatterns, MeanNothingWhenThereAreNone) {
  EXPECT_FALSE(NamePatterns::Parse({})->MeanOneOf({"r.example/a:1"}));
  EXPECT_FALSE(NamePatterns::Parse({"*"})->MeanOneOf({}));
}

TEST(NamePatterns, AreRefusedWithAStarAnywhereElse) {
  for (const char* text : {"*a", "a*b", "*a*b", "*a*b*", "***"}) {
    EXPECT_THAT(NamePatterns::Parse({text}), FailsWith(Code::kInvalidArgument, "a * is at the end"))
        << text;
  }
  EXPECT_THAT(NamePatterns::Parse({""}), FailsWith(Code::kInvalidArgument, "image name"));
}

}  // namespace
}  // namespace trivet::image
