// Inline volumes: a pod's own, known by the kubelet's handle.

#include <unistd.h>

#include <fstream>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {
namespace {

class Inline : public DriverTest {
 protected:
  ::csi::v1::NodePublishVolumeRequest Request(const std::string& target = "pod/t") {
    std::filesystem::create_directories(Path("pod"));
    ::csi::v1::NodePublishVolumeRequest request;
    request.set_volume_id(handle_);
    request.set_target_path(Path(target));
    *request.mutable_volume_capability() = CapabilityOf(kExt4);
    auto& context = *request.mutable_volume_context();
    context["csi.storage.k8s.io/ephemeral"] = "true";
    context["csi.storage.k8s.io/pod.name"] = "web";
    context["size"] = "64Mi";
    return request;
  }
  grpc::StatusCode UnpublishInline() {
    Context context;
    ::csi::v1::NodeUnpublishVolumeRequest request;
    ::csi::v1::NodeUnpublishVolumeResponse response;
    request.set_volume_id(handle_);
    request.set_target_path(Path("pod/t"));
    return node().NodeUnpublishVolume(&context, request, &response).error_code();
  }
  [[nodiscard]] bool NothingIsLeft() const {
    return std::filesystem::is_empty(Path("state/volumes")) &&
           std::filesystem::is_empty(Path("state/pools/default")) &&
           std::filesystem::is_empty(Path("state/inline")) && Loops().empty();
  }

  // The metrics once they hold the line: the driver serves before it writes them again.
  [[nodiscard]] std::string MetricsWith(const std::string& line) const {
    std::string text;
    for (int i = 0; i < 600 && text.find(line) == std::string::npos; ++i) {
      ::usleep(50'000);
      std::ifstream file(Path("csi.prom"));
      text.assign(std::istreambuf_iterator<char>(file), {});
    }
    return text;
  }

  const std::string handle_ = "csi-" + std::string(64, 'a');
};

TEST_F(Inline, IsMadeAndDeletedWithItsPublication) {
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Call(Request()), grpc::OK) << message();
  WriteData(kExt4, "pod/t", "mine");
  EXPECT_TRUE(List().empty()) << "it is its pod's";
  ::csi::v1::NodeGetVolumeStatsResponse stats;
  ASSERT_EQ(Stats(handle_, Path("pod/t"), stats), grpc::OK) << message();
  EXPECT_LE(stats.usage(0).total(), kExt4.bytes);
  Restart();
  EXPECT_EQ(ReadData(kExt4, "pod/t", 4), "mine");
  ASSERT_EQ(Call(Request()), grpc::OK) << message();

  for (int i = 0; i < 2; ++i) EXPECT_EQ(UnpublishInline(), grpc::OK);
  EXPECT_FALSE(std::filesystem::exists(Path("pod/t")));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(Inline, GoesAwayAtTheStartAfterItsPodWent) {
  ASSERT_EQ(Call(Request()), grpc::OK) << message();
  Kill();
  ASSERT_EQ(std::system(("umount " + Path("pod/t")).c_str()), 0);
  std::filesystem::remove_all(Path("pod"));
  Start();

  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(Inline, RefusesWhatNoPodMaySay) {
  auto request = Request();
  for (const char* size : {"", "0", "64MB", "-1", "99999999999Ti"}) {
    (*request.mutable_volume_context())["size"] = size;
    EXPECT_EQ(Call(request), grpc::INVALID_ARGUMENT) << size;
  }
  request = Request();
  (*request.mutable_volume_context())["colour"] = "red";
  EXPECT_EQ(Call(request), grpc::INVALID_ARGUMENT);
  request = Request();
  request.set_volume_id("v-mine");
  EXPECT_EQ(Call(request), grpc::INVALID_ARGUMENT);
  EXPECT_TRUE(std::filesystem::is_empty(Path("state/volumes")));
}

TEST_F(Inline, IsCountedInTheMetrics) {
  Kill();
  Start({"--metrics-file", Path("csi.prom")});
  ASSERT_EQ(Call(Request()), grpc::OK) << message();
  Restart();

  const std::string text = MetricsWith("trivet_csi_volumes{pool=\"default\"} 1\n");
  for (const char* line :
       {"trivet_csi_volumes{pool=\"default\"} 1\n",
        "trivet_csi_volumes_bytes{pool=\"default\"} 67108864\n",
        "trivet_csi_pool_up{pool=\"default\"} 1\n", "# TYPE trivet_csi_unwell_volumes gauge\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(UnpublishInline(), grpc::OK);
}

}  // namespace
}  // namespace trivet::csi
