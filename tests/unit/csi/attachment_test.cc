#include "csi/volume/attachment.h"

#include "csi/volume/attachment_store.h"
#include "csi/volume/volume_id.h"
#include "csi/volume/volume_locks.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

Use UseWith(AccessMode mode, bool read_only = false) {
  return {.capability = {.access_mode = mode, .file_system = FileSystem::kExt4},
          .read_only = read_only};
}

Attachment PublishedAt(const std::string& target, const Use& use) {
  return {.publications = {{target, use}}};
}

TEST(ParseAttachment, ReadsWhatWasWritten) {
  Attachment attachment = PublishedAt("/t", UseWith(AccessMode::kSingleNodeMultiWriter, true));
  attachment.staging = Staging{"/s", UseWith(AccessMode::kSingleNodeWriter)};
  attachment.staging->use.capability.mount_flags = {"noatime"};

  const auto read = ParseAttachment(WriteAttachment(attachment, "boot"), "boot");

  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(**read, attachment);
}

TEST(ParseAttachment, IsVoidAfterAReboot) {
  const auto read = ParseAttachment(WriteAttachment({}, "boot 1"), "boot 2");
  ASSERT_THAT(read, IsOk());
  EXPECT_FALSE(read->has_value());
}

TEST(ParseAttachment, RefusesDamageAndNamesTheKey) {
  EXPECT_THAT(ParseAttachment(R"({"bootId": "b", "version": 9})", "b"),
              FailsWith(Code::kDataLoss, "version"));
  EXPECT_THAT(ParseAttachment(R"({"bootId": "b", "version": 1})", "b"),
              FailsWith(Code::kDataLoss, "publications"));
  EXPECT_THAT(ParseAttachment(R"({"bootId": "b", "version": 1, "publications": {"/t": {}}})", "b"),
              FailsWith(Code::kDataLoss, "publications: /t: accessType: missing"));
}

TEST(AttachmentStore, ForgetsADamagedOne) {
  const TempDirectory folder;
  folder.Fill({{VolumeIdOf("a") + ".json", ""}});

  const auto store = AttachmentStore::Open(folder.path());

  ASSERT_THAT(store, IsOk());
  EXPECT_TRUE(store->Of(VolumeIdOf("a")).empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(AttachmentStore, RemovesTheFileOfAVolumeThatIsNowhere) {
  const TempDirectory folder;
  auto store = AttachmentStore::Open(folder.path());
  ASSERT_THAT(store->Put("v-1", PublishedAt("/t", UseWith(AccessMode::kSingleNodeWriter))), IsOk());

  ASSERT_THAT(store->Put("v-1", {}), IsOk());

  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(AttachmentStore, ReadsWhatWasWrittenOverSomethingElse) {
  const TempDirectory folder;
  auto store = AttachmentStore::Open(folder.path());
  ASSERT_THAT(store, IsOk());
  const Use use = UseWith(AccessMode::kSingleNodeMultiWriter);
  const std::string id = VolumeIdOf("a");
  for (const int targets : {1, 2, 1, 100, 2, 1}) {
    Attachment attachment;
    for (int target = 0; target < targets; ++target) {
      attachment.publications["/target/" + std::to_string(target)] = use;
    }
    ASSERT_THAT(store->Put(id, attachment), IsOk());
    const auto again = AttachmentStore::Open(folder.path());
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->Of(id), attachment) << targets;
  }
}

// CSI spec, NodePublishVolume: the table of second calls on one node.
struct Second {
  const char* name;
  AccessMode first;
  AccessMode second;
  const char* target;
  bool same_arguments;
  SecondPublish want;
};

class JudgePublishTable : public ::testing::TestWithParam<Second> {};

TEST_P(JudgePublishTable, Holds) {
  const Second& row = GetParam();
  const Attachment attachment = PublishedAt("/t1", UseWith(row.first));
  EXPECT_EQ(JudgePublish(attachment, row.target, UseWith(row.second, !row.same_arguments)),
            row.want);
}

constexpr auto kWriter = AccessMode::kSingleNodeWriter;
constexpr auto kSingle = AccessMode::kSingleNodeSingleWriter;
constexpr auto kMulti = AccessMode::kSingleNodeMultiWriter;

INSTANTIATE_TEST_SUITE_P(
    Spec, JudgePublishTable,
    ::testing::Values(
        Second{"SingleSameTargetSameArguments", kSingle, kSingle, "/t1", true,
               SecondPublish::kSame},
        Second{"SingleSameTargetOther", kSingle, kSingle, "/t1", false,
               SecondPublish::kIncompatible},
        Second{"SingleOtherTarget", kSingle, kSingle, "/t2", true, SecondPublish::kExclusive},
        Second{"SingleOtherTargetOther", kSingle, kSingle, "/t2", false, SecondPublish::kExclusive},
        Second{"SingleAfterMulti", kMulti, kSingle, "/t2", true, SecondPublish::kExclusive},
        Second{"MultiAfterSingle", kSingle, kMulti, "/t2", true, SecondPublish::kExclusive},
        Second{"MultiSameTarget", kMulti, kMulti, "/t1", true, SecondPublish::kSame},
        Second{"MultiSameTargetOther", kMulti, kMulti, "/t1", false, SecondPublish::kIncompatible},
        Second{"MultiOtherTarget", kMulti, kMulti, "/t2", true, SecondPublish::kAllowed},
        Second{"MultiOtherTargetOther", kMulti, kMulti, "/t2", false, SecondPublish::kAllowed},
        Second{"PlainWriterSharesTheNode", kWriter, kWriter, "/t2", true, SecondPublish::kAllowed}),
    [](const auto& row) { return row.param.name; });

TEST(VolumeLocks, RefusesTheSecondOperationAndOnlyOnThatVolume) {
  VolumeLocks locks;
  {
    const auto first = locks.TryLock("v-1");
    EXPECT_THAT(locks.TryLock("v-1"), FailsWith(Code::kAborted, "v-1: an operation is pending"));
    EXPECT_THAT(locks.TryLock("v-2"), IsOk());
    locks.Note("v-1", "fast");
    locks.Note("v-2", "fast");
    EXPECT_THAT(locks.TryLock("v-1"),
                FailsWith(Code::kAborted, "v-1: an operation is pending on pool fast for 0 s"));
  }
  EXPECT_THAT(locks.TryLock("v-1"), IsOk());
}

}  // namespace
}  // namespace trivet::csi
