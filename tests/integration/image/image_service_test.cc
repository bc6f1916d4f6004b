#include "cri-runtime/service/image_service.h"

#include "tests/integration/image/image_store_test.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::OciLayout;
using ::trivet::testing::TarFile;

class ImageServiceTest : public image::ImageStoreTest {
 protected:
  /// An archive with one image of the name and the user; its id in `id_`.
  std::string Archive(const std::string& name, const std::string& user = "") {
    OciLayout layout;
    id_ = layout.Add({.name = name,
                      .layers = {LayerBlob::Gzip(TarFile().File("f", name))},
                      .config = {{"User", user}}});
    const auto file = directory() / "image.tar";
    layout.WriteArchive(file);
    return "oci-archive:" + file.native();
  }
  grpc::Status Pull(const std::string& reference) {
    ImageService service(store(), config_);
    v1::PullImageRequest request;
    request.mutable_image()->set_image(reference);
    pulled_.Clear();
    return service.PullImage(nullptr, &request, &pulled_);
  }
  v1::ImageStatusResponse Status(const std::string& reference, bool verbose = false) {
    ImageService service(store(), config_);
    v1::ImageStatusRequest request;
    request.mutable_image()->set_image(reference);
    request.set_verbose(verbose);
    v1::ImageStatusResponse response;
    EXPECT_TRUE(service.ImageStatus(nullptr, &request, &response).ok());
    return response;
  }
  v1::ListImagesResponse ListFor(const std::string& filter) {
    ImageService service(store(), config_);
    v1::ListImagesRequest request;
    request.mutable_filter()->mutable_image()->set_image(filter);
    v1::ListImagesResponse response;
    EXPECT_TRUE(service.ListImages(nullptr, &request, &response).ok());
    return response;
  }

  void PinImages(const std::vector<std::string>& patterns) {
    Config next = *config_.Get();
    next.pinned_images = patterns;
    EXPECT_THAT(config_.Replace(next), IsEmpty());
  }

  LiveConfig config_{Config{}};
  std::string id_;
  v1::PullImageResponse pulled_;
};

TEST_F(ImageServiceTest, PullsFromAnArchiveAndAnswersTheSameIdEverywhere) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());

  EXPECT_EQ(pulled_.image_ref(), id_);
  EXPECT_EQ(Status("busybox:1").image().id(), id_);
  EXPECT_EQ(ListFor("").images(0).id(), id_);
  EXPECT_EQ(ListFor("").images(0).repo_tags(0), "docker.io/library/busybox:1");
  EXPECT_GT(ListFor("").images(0).size(), 0U);
}

TEST_F(ImageServiceTest, AnswersTheSameForIdTagAndDigest) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  const std::string by_id = Status(id_).SerializeAsString();

  EXPECT_EQ(Status("busybox:1").SerializeAsString(), by_id);
  EXPECT_EQ(Status(Status(id_).image().repo_digests(0)).SerializeAsString(), by_id);
}

TEST_F(ImageServiceTest, AnswersAPullOfAPresentImageAndRefusesOthersPlainly) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  ASSERT_TRUE(Pull("busybox:1").ok());
  EXPECT_EQ(pulled_.image_ref(), id_);

  const grpc::Status absent = Pull("busybox:2");
  EXPECT_EQ(absent.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(absent.error_message(), HasSubstr("trivetctl image import"));
}

TEST_F(ImageServiceTest, RefusesLocalImportWhenItIsOff) {
  Config off;
  off.local_import = false;
  config_.Replace(off);
  const grpc::Status refused = Pull(Archive("busybox:1"));

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ListFor("").images_size(), 0);
}

TEST_F(ImageServiceTest, NamesTheFileThatItCannotImport) {
  const grpc::Status status = Pull("oci-archive:/no/such.tar");

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("/no/such.tar"));
}

TEST_F(ImageServiceTest, GivesEitherTheUidOrTheUserName) {
  ASSERT_TRUE(Pull(Archive("number", "1000:5")).ok());
  ASSERT_TRUE(Pull(Archive("name", "www-data")).ok());

  EXPECT_EQ(Status("number").image().uid().value(), 1000);
  EXPECT_EQ(Status("number").image().username(), "");
  EXPECT_FALSE(Status("name").image().has_uid());
  EXPECT_EQ(Status("name").image().username(), "www-data");
}

TEST_F(ImageServiceTest, AnswersAnAbsentImageWithoutOne) {
  EXPECT_FALSE(Status("absent").has_image());
  EXPECT_EQ(ListFor("absent").images_size(), 0);
}

TEST_F(ImageServiceTest, TellsTheConfigurationWhenAskedToBeVerbose) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());

  EXPECT_EQ(Status(id_).info_size(), 0);
  EXPECT_THAT(Status(id_, /*verbose=*/true).info().at("info"), HasSubstr("\"Entrypoint\""));
}

TEST_F(ImageServiceTest, RemovesAnImageTwice) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  ImageService service(store(), config_);
  v1::RemoveImageRequest request;
  request.mutable_image()->set_image("busybox:1");
  v1::RemoveImageResponse response;

  EXPECT_TRUE(service.RemoveImage(nullptr, &request, &response).ok());
  EXPECT_TRUE(service.RemoveImage(nullptr, &request, &response).ok());
  EXPECT_EQ(ListFor("").images_size(), 0);
}

TEST_F(ImageServiceTest, ShowsAnImageAsPinnedEverywhereAsSoonAsTheConfigurationSaysSo) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  EXPECT_FALSE(Status("busybox:1").image().pinned());

  PinImages({"other*", "busybox:1"});
  EXPECT_TRUE(Status("busybox:1").image().pinned());
  EXPECT_TRUE(Status(id_).image().pinned());
  EXPECT_TRUE(ListFor("").images(0).pinned());
  PinImages({Status(id_).image().repo_digests(0)});
  EXPECT_TRUE(ListFor("busybox:1").images(0).pinned());
  PinImages({"busybox:2"});
  EXPECT_FALSE(ListFor("").images(0).pinned());
}

// As containerd and CRI-O do: whoever asks for this image by name means it.
TEST_F(ImageServiceTest, RemovesAPinnedImageThatItIsAskedToRemove) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  PinImages({"*"});
  ImageService service(store(), config_);
  v1::RemoveImageRequest request;
  request.mutable_image()->set_image("busybox:1");
  v1::RemoveImageResponse response;

  EXPECT_TRUE(service.RemoveImage(nullptr, &request, &response).ok());
  EXPECT_EQ(ListFor("").images_size(), 0);
}

TEST_F(ImageServiceTest, SaysWhatTheImagesTake) {
  ASSERT_TRUE(Pull(Archive("busybox:1")).ok());
  ImageService service(store(), config_);
  v1::ImageFsInfoRequest request;
  v1::ImageFsInfoResponse response;

  ASSERT_TRUE(service.ImageFsInfo(nullptr, &request, &response).ok());
  EXPECT_EQ(response.image_filesystems(0).fs_id().mountpoint(), root());
  EXPECT_GT(response.image_filesystems(0).used_bytes().value(), 0U);
  EXPECT_GT(response.image_filesystems(0).timestamp(), 0);
  EXPECT_EQ(response.container_filesystems_size(), 1);
}

TEST_F(ImageServiceTest, RefusesARequestWithoutAnImage) {
  EXPECT_EQ(Pull("").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace trivet::cri
