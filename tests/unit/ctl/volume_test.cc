#include "ctl/command/volume.h"

#include <gmock/gmock.h>

#include <sstream>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

const std::string kVolume = "volumes/v-" + std::string(32, 'a') + ".json";
const std::string kSnapshot = "snapshots/s-" + std::string(32, 'b') + ".json";

json::Value Exported(const std::filesystem::path& state) {
  std::ostringstream out;
  EXPECT_THAT(ExportRecords(state, out), IsOk());
  return json::Parse(out.str()).value_or(json::Value());
}

TEST(ExportRecords, HoldsRecordsAndNothingElse) {
  const TempDirectory state;
  state.Fill({{kVolume, R"({"name": "pvc-1"})"},
              {kSnapshot, "{}"},
              {"volumes/.v-half.tmp", "{"},
              {"attachments/v-" + std::string(32, 'a') + ".json", "{}"}});

  const json::Value document = Exported(state.path());

  EXPECT_EQ(document["records"].size(), 2U) << document;
  EXPECT_EQ(document["records"][kVolume]["name"], "pvc-1");
}

TEST(ExportRecords, OfAFolderThatIsNotThereIsNoEmptyOne) {
  const TempDirectory folder;
  std::ostringstream out;

  EXPECT_THAT(ExportRecords(folder / "csi", out),
              FailsWith(Code::kNotFound, "no state folder of trivet-csi"));
  EXPECT_EQ(out.str(), "");
}

TEST(WriteRecords, PutsBackWhatIsNotThere) {
  const TempDirectory from;
  from.Fill({{kVolume, R"({"name": "old"})"}, {kSnapshot, R"({"name": "snap"})"}});
  const TempDirectory to;
  to.Fill({{kVolume, R"({"name": "newer"})"}});
  std::ostringstream said;

  ASSERT_THAT(WriteRecords(to.path(), Exported(from.path()), said), IsOk());

  EXPECT_EQ(said.str(), "1 of 2 records written, the others were there\n");
  EXPECT_EQ(Exported(to.path())["records"][kVolume]["name"], "newer");
  EXPECT_EQ(Exported(to.path())["records"][kSnapshot]["name"], "snap");
}

TEST(WriteRecords, RefusesStrangePathsAndWritesNothing) {
  const TempDirectory state;
  std::ostringstream said;
  for (const std::string& path :
       std::vector<std::string>{"../etc/shadow", "volumes/../lock", "volumes/v-short.json",
                                "volumes/s-" + std::string(32, 'a') + ".json"}) {
    const json::Value document = {
        {"version", 1},
        {"records", {{kVolume, json::Value::object()}, {path, json::Value::object()}}}};
    EXPECT_THAT(WriteRecords(state.path(), document, said),
                FailsWith(Code::kInvalidArgument, path));
  }
  EXPECT_FALSE(std::filesystem::exists(state / kVolume));
}

TEST(WriteRecords, WantsTheDriverStopped) {
  const TempDirectory state;
  const auto running = FileLock::TryAcquire(state / "lock");
  std::ostringstream said;
  EXPECT_THAT(WriteRecords(state.path(), Exported(state.path()), said),
              FailsWith(Code::kAborted, "stop trivet-csi first"));
}

TEST(HandlesIn, AreThoseOfTheDriver) {
  const auto volumes = json::Parse(R"({"items": [
    {"spec": {"csi": {"driver": "csi.trivet.dev", "volumeHandle": "v-1"}}},
    {"spec": {"csi": {"driver": "other", "volumeHandle": "v-2"}}},
    {"spec": {"hostPath": {"path": "/x"}}}]})");
  ASSERT_THAT(volumes, IsOk());
  EXPECT_THAT(*HandlesIn(*volumes, "csi.trivet.dev"), ElementsAre("v-1"));
  EXPECT_THAT(HandlesIn(json::Value::object(), "x"), FailsWith(Code::kInvalidArgument, "items"));
}

}  // namespace
}  // namespace trivet::ctl
