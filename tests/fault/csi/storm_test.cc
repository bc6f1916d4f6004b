// Many calls at once.

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

class Storm : public CopyTest {
 protected:
  // `each` in `threads` threads, `rounds` times in each.
  static void AtOnce(int threads, int rounds, const std::function<void(int, int)>& each) {
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
      all.emplace_back([=] {
        for (int round = 0; round < rounds; ++round) each(thread, round);
      });
    }
    for (std::thread& one : all) one.join();
  }
  grpc::Status CreateOne(const std::string& name, std::string& id) {
    Context context;
    ::csi::v1::CreateVolumeRequest request;
    ::csi::v1::CreateVolumeResponse response;
    request.set_name(name);
    request.mutable_capacity_range()->set_required_bytes(kBlock.bytes);
    *request.add_volume_capabilities() = CapabilityOf(kBlock);
    const auto status = controller().CreateVolume(&context, request, &response);
    id = response.volume().volume_id();
    return status;
  }
};

TEST_F(Storm, OfAThousandCreationsOfOneNameMakesOneVolume) {
  std::mutex mutex;
  std::set<std::string> ids;
  AtOnce(50, 20, [&](int, int) {
    std::string id;
    const auto status = CreateOne("pvc", id);
    const std::lock_guard lock(mutex);
    if (status.ok()) ids.insert(id);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::ABORTED) << status.error_message();
  });
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(List(), std::vector(ids.begin(), ids.end()));
}

TEST_F(Storm, OfCreationsAndDeletionsKeepsTheLedgerExact) {
  const int64_t before = Capacity();
  AtOnce(16, 20, [&](int thread, int round) {
    std::string id;
    const auto status = CreateOne(std::to_string(thread) + "-" + std::to_string(round), id);
    if (status.error_code() == grpc::RESOURCE_EXHAUSTED) return;
    ASSERT_TRUE(status.ok()) << status.error_message();
    Context context;
    ::csi::v1::DeleteVolumeRequest request;
    ::csi::v1::DeleteVolumeResponse response;
    request.set_volume_id(id);
    EXPECT_TRUE(controller().DeleteVolume(&context, request, &response).ok());
  });
  EXPECT_TRUE(List().empty());
  Restart();
  EXPECT_NEAR(static_cast<double>(Capacity()), static_cast<double>(before), 4 << 20);
}

// Each of a volume's and its copies' bytes stay what its own user wrote.
TEST_F(Storm, OfSnapshotsAndClonesOfOneSourceMixesNothingUp) {
  const std::string source = Created("source", kBlock);
  Use(source, kBlock, "t");
  WriteData(kBlock, "t", "source");
  AtOnce(6, 1, [&](int thread, int) {
    std::string id;
    grpc::Status status;
    do {
      Context context;
      ::csi::v1::CreateVolumeResponse response;
      status = controller().CreateVolume(
          &context, CopyRequest(source, "copy-" + std::to_string(thread), kBlock), &response);
    } while (status.error_code() == grpc::ABORTED);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  for (int i = 0; i < 6; ++i) {
    const std::string copy = Copied(source, "copy-" + std::to_string(i), kBlock);
    Use(copy, kBlock, "c");
    EXPECT_EQ(ReadData(kBlock, "c", 6), "source");
    WriteData(kBlock, "c", "copy-" + std::to_string(i));
    Leave(copy, "c");
  }
  EXPECT_EQ(ReadData(kBlock, "t", 6), "source");
  Leave(source, "t");
}

}  // namespace
}  // namespace trivet::csi
