#include "csi/volume/record.h"

#include "csi/volume/record_store.h"
#include "csi/volume/volume_id.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

VolumeRecord Example(const std::string& name = "pvc-1") {
  return {.id = VolumeIdOf(name),
          .name = name,
          .pool = "default",
          .size_bytes = uint64_t{64} << 20,
          .provisioning = Provisioning::kThin,
          .usage = {.mount = true, .file_system = FileSystem::kXfs},
          .content = Content::kReady,
          .file_system_uuid = "5e9c1f6e-0000-4000-8000-000000000001",
          .created_unix_seconds = 1'800'000'000,
          .tuning = {.limits = {.read_bytes_per_second = 1000}, .trim = Trim::kOnline},
          .published = Use{.capability = {.mount_flags = {"noatime"}}, .read_only = true}};
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// As trivet-csi wrote them before there were mutable parameters.
TEST(ParseRecord, ReadsTheVersionBefore) {
  std::string text = Replaced(Example().Write(), "\"version\": 5", "\"version\": 3");
  const size_t start = text.find("  \"mutable\"");
  text.erase(start, text.find("},\n", start) + 3 - start);

  const auto read = VolumeRecord::Parse(text, Example().id);

  ASSERT_THAT(read, IsOk());
  VolumeRecord expected = Example();
  expected.tuning = {};
  EXPECT_EQ(*read, expected);
}

TEST(ParseRecord, ReadsWhatWasWritten) {
  const VolumeRecord record = Example();

  const auto read = VolumeRecord::Parse(record.Write(), record.id);

  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, record);
}

struct Damage {
  const char* name;
  const char* from;
  const char* to;
  const char* reason;
};

class ParseRecordRefuses : public ::testing::TestWithParam<Damage> {};

TEST_P(ParseRecordRefuses, AndNamesTheKey) {
  const auto& [name, from, to, reason] = GetParam();
  const std::string text = Replaced(Example().Write(), from, to);

  EXPECT_THAT(VolumeRecord::Parse(text, Example().id), FailsWith(Code::kDataLoss, reason));
}

INSTANTIATE_TEST_SUITE_P(
    Damages, ParseRecordRefuses,
    ::testing::Values(
        Damage{"ANewerVersion", "\"version\": 5", "\"version\": 6", "version: 6"},
        Damage{"AnotherVolumesId", "\"id\": \"v-", "\"id\": \"w-", "id: unexpected w-"},
        Damage{"NoName", "\"name\"", "\"nome\"", "name: missing"},
        Damage{"NegativeSize", "67108864", "-1", "sizeBytes: unexpected -1"},
        Damage{"NoSize", "67108864", "0", "sizeBytes: unexpected 0"},
        Damage{"HalfASector", "67108864", "67108865", "sizeBytes: unexpected 67108865"},
        Damage{"UnknownFileSystem", "\"xfs\"", "\"zfs\"", "fileSystem: unexpected zfs"},
        Damage{"UnknownContent", "\"ready\"", "\"fine\"", "content: unexpected fine"},
        Damage{"UnknownProvisioning", "\"thin\"", "\"fat\"", "provisioning: unexpected fat"},
        Damage{"ReadyWithoutUuid", "5e9c1f6e-0000-4000-8000-000000000001", "",
               "fileSystemUuid: missing"},
        Damage{"CutShort", "}\n", "", "end of input"},
        Damage{"UnknownMutableKey", "\"trim\"", "\"trum\"", "mutable: mutable_parameters: trum"}),
    [](const auto& row) { return row.param.name; });

TEST(ParseRecord, RefusesAnEmptyFileAsAPowerLossLeavesIt) {
  EXPECT_THAT(VolumeRecord::Parse("", Example().id), FailsWith(Code::kDataLoss, ""));
  EXPECT_THAT(VolumeRecord::Parse(std::string(100, '\0'), Example().id),
              FailsWith(Code::kDataLoss, ""));
}

TEST(RecordStore, FindsAfterReopeningWhatWasPut) {
  const TempDirectory folder;
  ASSERT_THAT(VolumeStore::Open(folder.path())->Put(Example()), IsOk());

  const auto store = VolumeStore::Open(folder.path());

  ASSERT_THAT(store, IsOk());
  EXPECT_EQ(*store->Find(Example().id), Example());
}

TEST(RecordStore, ServesTheOthersWhenOneRecordIsDamaged) {
  const TempDirectory folder;
  const std::string bad = VolumeIdOf("bad");
  folder.Fill({{Example().id + ".json", Example().Write()}, {bad + ".json", "{\"version\": 1"}});

  const auto store = VolumeStore::Open(folder.path());

  ASSERT_THAT(store, IsOk());
  EXPECT_THAT(store->Find(Example().id), IsOk());
  EXPECT_THAT(store->Find(bad), FailsWith(Code::kDataLoss, bad + ".json"));
  EXPECT_EQ(store->All().size(), 1U);
}

TEST(RecordStore, RemovesWhatAnInterruptedWriteLeftAndKeepsStrangersFiles) {
  const TempDirectory folder;
  folder.Fill({{".v-x.json.1.1.tmp", "half"}, {"README", "mine"}});

  ASSERT_THAT(VolumeStore::Open(folder.path()), IsOk());

  EXPECT_FALSE(std::filesystem::exists(folder / ".v-x.json.1.1.tmp"));
  EXPECT_TRUE(std::filesystem::exists(folder / "README"));
}

TEST(RecordStore, FindsAfterReopeningThatARecordWasMarkedAsDeleting) {
  const TempDirectory folder;
  auto before = VolumeStore::Open(folder.path());
  VolumeRecord record = Example();
  ASSERT_THAT(before->Put(record), IsOk());
  ASSERT_THAT(before->MarkDeleting(record), IsOk());
  EXPECT_THAT(before->MarkDeleting(record), IsOk()) << "it is repeatable";
  EXPECT_TRUE(before->Find(record.id)->deleting);

  auto after = VolumeStore::Open(folder.path());

  EXPECT_TRUE(record.deleting);
  EXPECT_EQ(*after->Find(record.id), record);
  EXPECT_THAT(after->Remove(record.id), IsOk());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RecordStore, KeepsTheNewRecordWhenADeletedOneOfItsNameComesBack) {
  const TempDirectory folder;
  const std::string id = Example().id;
  folder.Fill({{id + ".json", Example().Write()}, {id + ".deleting", Example().Write()}});

  const auto store = VolumeStore::Open(folder.path());

  EXPECT_FALSE(store->Find(id)->deleting);
  EXPECT_FALSE(std::filesystem::exists(folder / (id + ".deleting")));
}

TEST(RecordStore, WritesWhatWasAdjustedOnceItIsSettled) {
  const TempDirectory folder;
  auto store = VolumeStore::Open(folder.path());
  VolumeRecord record = Example();
  ASSERT_THAT(store->Put(record), IsOk());
  const VolumeRecord written = record;
  record.size_bytes *= 2;

  store->Adjust(record);
  EXPECT_EQ(*store->Find(record.id), record);
  EXPECT_EQ(*VolumeStore::Open(folder.path())->Find(record.id), written);

  ASSERT_THAT(store->Settle(record.id), IsOk());
  EXPECT_EQ(*VolumeStore::Open(folder.path())->Find(record.id), record);
}

TEST(RecordStore, SaysThatAVolumeDoesNotExist) {
  const TempDirectory folder;
  const auto store = VolumeStore::Open(folder.path());
  EXPECT_THAT(store->Find("../../etc/shadow"), FailsWith(Code::kNotFound, "does not exist"));
}

}  // namespace
}  // namespace trivet::csi
