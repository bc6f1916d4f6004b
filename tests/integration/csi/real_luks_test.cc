// Encrypted volumes with dm-crypt: for the suite "node".

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/csi/luks_test.h"

namespace trivet::csi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPassphrase = "correct horse battery staple";

class RealLuks : public LuksTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(RealLuks, KeepsDataThatOnlyThePassphraseShows) {
  const Kind& kind = GetParam();
  const std::string id = CreatedEncrypted("pvc-1", kind);
  for (const std::string data : {"plain text 1", "plain text 2"}) {
    for (int i = 0; i < 2; ++i) {
      const grpc::Status staged = StageWith(id, kind, kPassphrase);
      ASSERT_TRUE(staged.ok()) << staged.error_message();
    }
    Restart();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    if (data.ends_with('2')) {
      EXPECT_EQ(ReadData(kind, "t", data.size()), "plain text 1");
    }
    WriteData(kind, "t", data);
    EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
    ASSERT_EQ(Unpublish(id), grpc::OK) << message();
    ASSERT_EQ(Unstage(id), grpc::OK) << message();
    EXPECT_FALSE(std::filesystem::exists("/dev/mapper/trivet-" + id));
    EXPECT_TRUE(Loops().empty());
  }
  const std::string image = ReadFile(ImageOf(id), size_t{1} << 30).value_or("");
  EXPECT_TRUE(image.starts_with("LUKS"));
  EXPECT_EQ(image.find("plain text"), std::string::npos);
  for (const std::filesystem::path& file : {std::filesystem::path(Path("log")), RecordOf(id)}) {
    EXPECT_THAT(ReadFile(file).value_or(""), Not(HasSubstr(kPassphrase)));
  }

  const grpc::Status wrong = StageWith(id, kind, "wrong");
  EXPECT_EQ(wrong.error_code(), grpc::PERMISSION_DENIED) << wrong.error_message();
  EXPECT_TRUE(Loops().empty());
  std::ofstream(ImageOf(id), std::ios::in) << "XXXX";
  const grpc::Status damaged = StageWith(id, kind, kPassphrase);
  EXPECT_EQ(damaged.error_code(), grpc::DATA_LOSS) << damaged.error_message();
  EXPECT_THAT(damaged.error_message(), HasSubstr("is gone"));
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_P(RealLuks, GrowsWhileItIsUsed) {
  const Kind& kind = GetParam();
  const std::string id = CreatedEncrypted("pvc-1", kind);
  ASSERT_TRUE(StageWith(id, kind, kPassphrase).ok());
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  ASSERT_EQ(Expand(id, kind.bytes + 32 * kMiB), grpc::OK) << message();
  ASSERT_EQ(NodeExpand(id, Path("t")), grpc::OK) << message();
  ::csi::v1::NodeGetVolumeStatsResponse stats;
  ASSERT_EQ(Stats(id, Path("t"), stats), grpc::OK) << message();
  EXPECT_GT(stats.usage(0).total(), kind.bytes);
  EXPECT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

INSTANTIATE_TEST_SUITE_P(Kinds, RealLuks, ::testing::Values(kExt4, kBlock),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::csi
