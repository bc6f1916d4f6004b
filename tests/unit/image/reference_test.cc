#include "cri-runtime/image/reference.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

const std::string kDigest = "sha256:" + std::string(64, 'a');

struct Full {
  std::string name;
  std::string text;
  std::string repository;
  std::string tag;
};
class ReferenceIsFilledUp : public ::testing::TestWithParam<Full> {};

TEST_P(ReferenceIsFilledUp, AsTheFieldDoesIt) {
  const auto reference = Reference::Parse(GetParam().text);

  ASSERT_THAT(reference, IsOk());
  EXPECT_EQ(reference->repository, GetParam().repository);
  EXPECT_EQ(reference->tag, GetParam().tag);
}

INSTANTIATE_TEST_SUITE_P(
    Reference, ReferenceIsFilledUp,
    ::testing::Values(
        Full{"OneWord", "busybox", "docker.io/library/busybox", "latest"},
        Full{"Tag", "busybox:1.36", "docker.io/library/busybox", "1.36"},
        Full{"TwoWords", "grafana/agent", "docker.io/grafana/agent", "latest"},
        Full{"LegacyHost", "index.docker.io/busybox", "docker.io/library/busybox", "latest"},
        Full{"HostWithDot", "r.example/a/b:v1", "r.example/a/b", "v1"},
        Full{"HostWithPort", "reg:5000/a", "reg:5000/a", "latest"},
        Full{"Localhost", "localhost/trivet/nginx:1", "localhost/trivet/nginx", "1"},
        Full{"Ipv6Host", "[::1]:5000/a", "[::1]:5000/a", "latest"},
        Full{"Dashes", "a/b---c_d.e__f", "docker.io/a/b---c_d.e__f", "latest"},
        Full{"DigestOnly", "busybox@" + kDigest, "docker.io/library/busybox", ""},
        Full{"TagAndDigest", "busybox:1@" + kDigest, "docker.io/library/busybox", "1"}),
    [](const auto& test) { return test.param.name; });

class ReferenceIsRefused : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(ReferenceIsRefused, NamingTheText) {
  EXPECT_THAT(Reference::Parse(GetParam().second), FailsWith(Code::kInvalidArgument, "image name"));
}

INSTANTIATE_TEST_SUITE_P(
    Reference, ReferenceIsRefused,
    ::testing::Values(std::pair{"Empty", ""}, std::pair{"UpperCase", "Busybox"},
                      std::pair{"EmptyTag", "busybox:"}, std::pair{"TagWithSlash", "a:b/c:d/e"},
                      std::pair{"LongTag", "a:" + std::string(129, 't')},
                      std::pair{"DotDot", "a/../b"}, std::pair{"LeadingSlash", "/a"},
                      std::pair{"TrailingSlash", "a/"}, std::pair{"ShortDigest", "a@sha256:abc"},
                      std::pair{"OtherAlgorithm", "a@md5:" + std::string(32, 'a')},
                      std::pair{"Space", "a b"}, std::pair{"Newline", "a\n"},
                      std::pair{"Long", std::string(256, 'a')},
                      std::pair{"ImageId", std::string(64, 'a')},
                      std::pair{"BadPort", "reg.x:50a0/b"}),
    [](const auto& test) { return test.param.first; });

TEST(Reference, WritesItsFullNames) {
  const auto reference = Reference::Parse("busybox:1@" + kDigest);

  ASSERT_THAT(reference, IsOk());
  EXPECT_EQ(reference->NameWithTag(), "docker.io/library/busybox:1");
  EXPECT_EQ(reference->NameWithDigest(), "docker.io/library/busybox@" + kDigest);
}

}  // namespace
}  // namespace trivet::image
