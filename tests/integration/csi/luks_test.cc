// Encrypted volumes as far as no dm-crypt is needed: the suite "node" has the rest.

#include "tests/integration/csi/luks_test.h"

#include <gmock/gmock.h>

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(LuksTest, NeedsAPassphraseAndDmCryptAndSaysSo) {
  const std::string id = CreatedEncrypted("pvc-1", kExt4);
  const grpc::Status missing = StageWith(id, kExt4, "");
  EXPECT_EQ(missing.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(missing.error_message(), HasSubstr("secrets: passphrase: missing"));

  const grpc::Status staged = StageWith(id, kExt4, "very secret");
  if (!staged.ok()) {
    EXPECT_THAT(staged.error_code(), AnyOf(grpc::FAILED_PRECONDITION, grpc::UNAVAILABLE));
    EXPECT_THAT(staged.error_message(),
                AnyOf(HasSubstr("no dm-crypt"), HasSubstr("no cryptsetup")));
  }
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_TRUE(Loops().empty());
  EXPECT_THAT(ReadFile(Path("log")).value_or(""), Not(HasSubstr("very secret")));
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_F(LuksTest, IsAPropertyOfTheVolume) {
  const std::string id = CreatedEncrypted("pvc-1", kBlock);
  EXPECT_EQ(CreatedEncrypted("pvc-1", kBlock), id);
  std::string other;
  EXPECT_EQ(Create("pvc-1", kBlock, other), grpc::ALREADY_EXISTS);
  EXPECT_THAT(message(), HasSubstr("it is encrypted"));
  Restart();
  EXPECT_EQ(CreatedEncrypted("pvc-1", kBlock), id);
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

}  // namespace
}  // namespace trivet::csi
