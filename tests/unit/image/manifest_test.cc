#include "cri-runtime/image/manifest.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string DescriptorText(const std::string& media_type) {
  return R"({"mediaType":")" + media_type + R"(","digest":")" + kDigest + R"(","size":1})";
}

std::string ManifestText(const std::string& layer_type) {
  return R"({"schemaVersion":2,"config":)" +
         DescriptorText("application/vnd.oci.image.config.v1+json") + R"(,"layers":[)" +
         DescriptorText(layer_type) + "]}";
}

TEST(ParseManifest, KnowsTheLayerTypesOfOciAndDocker) {
  const std::pair<const char*, Media> types[] = {
      {"application/vnd.oci.image.layer.v1.tar", Media::kLayerTar},
      {"application/vnd.oci.image.layer.v1.tar+gzip", Media::kLayerGzip},
      {"application/vnd.oci.image.layer.v1.tar+zstd", Media::kLayerZstd},
      {"application/vnd.docker.image.rootfs.diff.tar", Media::kLayerTar},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", Media::kLayerGzip},
      {"application/vnd.docker.image.rootfs.diff.tar.zstd", Media::kLayerZstd}};
  for (const auto& [type, media] : types) {
    const auto manifest = ParseManifest(ManifestText(type));
    ASSERT_THAT(manifest, IsOk());
    EXPECT_EQ(manifest->layers[0].media, media) << type;
  }
}

TEST(ParseManifest, RefusesAnUnknownLayerType) {
  EXPECT_THAT(ParseManifest(ManifestText("application/vnd.oci.image.layer.v1.tar+lz4")),
              FailsWith(Code::kInvalidArgument, "layers[0]: media type"));
  EXPECT_THAT(ParseManifest(ManifestText("application/vnd.oci.image.layer.v1.tar+encrypted")),
              FailsWith(Code::kInvalidArgument, "is unknown"));
}

TEST(ParseManifest, RefusesAConfigurationThatIsNotAnImages) {
  const std::string text = R"({"schemaVersion":2,"config":)" +
                           DescriptorText("application/vnd.cncf.helm.config.v1+json") +
                           R"(,"layers":[]})";
  EXPECT_THAT(ParseManifest(text), FailsWith(Code::kInvalidArgument, "not an image's"));
}

TEST(ParseManifest, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(ParseManifest("[]"), FailsWith(Code::kInvalidArgument, "not an object"));
  EXPECT_THAT(ParseManifest(R"({"schemaVersion":1})"),
              FailsWith(Code::kInvalidArgument, "schemaVersion: 1 is not 2"));
  EXPECT_THAT(ParseManifest(R"({"schemaVersion":2})"),
              FailsWith(Code::kInvalidArgument, "config: missing"));
}

TEST(ParseIndex, NamesTheDescriptorThatIsWrong) {
  const std::string good = DescriptorText("application/vnd.oci.image.manifest.v1+json");
  EXPECT_THAT(ParseIndex(R"({"schemaVersion":2,"manifests":[)" + good + R"(,{"mediaType":"x"}]})"),
              FailsWith(Code::kInvalidArgument, "manifests[1]: digest: missing"));
  EXPECT_THAT(ParseIndex(R"({"schemaVersion":2,"manifests":[7]})"),
              FailsWith(Code::kInvalidArgument, "manifests[0]: want a descriptor"));
}

TEST(ParseIndex, RefusesASizeBelowZero) {
  EXPECT_THAT(ParseIndex(R"({"schemaVersion":2,"manifests":[{"mediaType":"x","digest":")" +
                         kDigest + R"(","size":-1}]})"),
              FailsWith(Code::kInvalidArgument, "size: unexpected -1"));
}

TEST(ParseIndex, PrefersTheFullNameOfAnImage) {
  const auto index =
      ParseIndex(R"({"schemaVersion":2,"manifests":[{"mediaType":"x","digest":")" + kDigest +
                 R"(","size":1,"annotations":{"org.opencontainers.image.ref.name":"1",)" +
                 R"("io.containerd.image.name":"docker.io/library/a:1"}}]})");

  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(index->at(0).name, "docker.io/library/a:1");
}

}  // namespace
}  // namespace trivet::image
