#include "cri-runtime/image/digest.h"

#include "cri-runtime/image/layer_store.h"
#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;

TEST(Digest, IsSha256OfTheContent) {
  EXPECT_EQ(Digest::Of("").text(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, RefusesOtherFormsBecauseItNamesAFile) {
  for (const std::string& text :
       {std::string(), std::string("sha256:"), std::string("sha256:../../etc/passwd"),
        "sha256:" + std::string(63, 'a'), "sha256:" + std::string(64, 'A'),
        "sha512:" + std::string(64, 'a'), "sha256:" + std::string(65, 'a')}) {
    EXPECT_THAT(Digest::Parse(text), FailsWith(Code::kInvalidArgument, "64 hexadecimal")) << text;
  }
}

TEST(ChainId, IsTheDiffIdOfTheLowestLayer) {
  EXPECT_EQ(ChainId(std::nullopt, Digest::Of("a")), Digest::Of("a"));
}

TEST(ChainId, HashesTheChainBelowWithTheDiffId) {
  const Digest a = Digest::Of("a");
  const Digest b = Digest::Of("b");

  EXPECT_EQ(ChainId(a, b), Digest::Of(a.text() + " " + b.text()));
}

}  // namespace
}  // namespace trivet::image
