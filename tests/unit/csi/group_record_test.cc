#include "csi/volume/group_record.h"

#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

GroupRecord Sample() {
  return {.id = GroupIdOf("nightly"),
          .name = "nightly",
          .volume_ids = {VolumeIdOf("a"), VolumeIdOf("b")},
          .created_unix_nanos = 5,
          .cut = true};
}

TEST(GroupRecord, IsReadAsItWasWritten) {
  const auto read = GroupRecord::Parse(Sample().Write(), Sample().id);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, Sample());
}

TEST(GroupRecord, NamesMembersAsNoRequestCan) {
  const std::string name = Sample().MemberName(VolumeIdOf("a"));
  EXPECT_THAT(CheckName(name), FailsWith(Code::kInvalidArgument, "control character"));
  EXPECT_EQ(Sample().MemberIds()[0], SnapshotIdOf(name));
}

TEST(GroupRecord, RefusesWhatIsNotWhole) {
  EXPECT_THAT(GroupRecord::Parse("{}", Sample().id), FailsWith(Code::kDataLoss, "version"));
  GroupRecord strange = Sample();
  strange.volume_ids = {"../../etc"};
  EXPECT_THAT(GroupRecord::Parse(strange.Write(), strange.id),
              FailsWith(Code::kDataLoss, "volumes"));
  EXPECT_THAT(GroupRecord::Parse(Sample().Write(), GroupIdOf("other")),
              FailsWith(Code::kDataLoss, "id"));
}

}  // namespace
}  // namespace trivet::csi
