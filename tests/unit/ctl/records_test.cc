#include "ctl/node/records.h"

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;
using trivet::testing::TempDirectory;

Record Claim() {
  return {.kind = Record::Kind::kClaim,
          .name_space = "n",
          .name = "c",
          .uid = "u",
          .manifest = {{"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "c"}}}},
          .volume_id = "v",
          .volume_context = {{"k", "x"}}};
}

TEST(Records, GiveBackWhatWasPut) {
  const TempDirectory state;
  const Records records(state.path());
  ASSERT_THAT(records.Put(Claim()), IsOk());
  const auto found = records.Find(Record::Kind::kClaim, "n", "c");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->volume_context, Claim().volume_context);
  EXPECT_EQ((*found)->manifest, Claim().manifest);
  EXPECT_THAT(*records.List(Record::Kind::kClaim), SizeIs(1));
  EXPECT_THAT(*records.List(Record::Kind::kPod), SizeIs(0));
}

TEST(Records, RemovingTwiceSucceeds) {
  const TempDirectory state;
  const Records records(state.path());
  ASSERT_THAT(records.Put(Claim()), IsOk());
  EXPECT_THAT(records.Remove(Claim()), IsOk());
  EXPECT_THAT(records.Remove(Claim()), IsOk());
  EXPECT_FALSE(records.Find(Record::Kind::kClaim, "n", "c")->has_value());
}

TEST(Records, TidyingRemovesWhatAKilledPutLeft) {
  const TempDirectory state;
  const Records records(state.path());
  ASSERT_THAT(records.Put(Claim()), IsOk());
  state.Fill(
      {{"records/claims/.n_c.json.7.1.tmp", "half"}, {"records/pods/.n_p.json.7.2.tmp", ""}});
  EXPECT_THAT(records.Tidy(), IsOk());
  EXPECT_THAT(*ListDirectory(state / "records/claims"), ElementsAre("n_c.json"));
  EXPECT_THAT(*ListDirectory(state / "records/pods"), SizeIs(0));
}

TEST(Records, RefuseANewerVersion) {
  const TempDirectory state;
  state.Fill({{"records/pods/n_p.json", R"({"version": 2})"}});
  EXPECT_THAT(Records(state.path()).Find(Record::Kind::kPod, "n", "p"),
              FailsWith(Code::kFailedPrecondition, "version 2 is newer"));
}

}  // namespace
}  // namespace trivet::ctl
