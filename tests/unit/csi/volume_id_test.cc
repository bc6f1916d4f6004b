#include "csi/volume/volume_id.h"

#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(VolumeIdOf, IsTheSameForTheSameNameAndAnotherForAnother) {
  EXPECT_EQ(VolumeIdOf("pvc-1"), VolumeIdOf("pvc-1"));
  EXPECT_NE(VolumeIdOf("pvc-1"), VolumeIdOf("pvc-2"));
}

TEST(VolumeIdOf, IsASafeFileNameWhateverTheNameHolds) {
  EXPECT_TRUE(IsVolumeId(VolumeIdOf("../../etc/passwd")));
  EXPECT_TRUE(IsVolumeId(VolumeIdOf("\xC3\xA4/\n")));
}

TEST(VolumeIdOf, IsBase32OfTheSha256) {
  // printf pvc-1 | sha256sum, the first 20 bytes by base32, in lower case
  EXPECT_EQ(VolumeIdOf("pvc-1"), "v-6kdi4gvhzk3gsul43h22wg3zk7alslpt");
}

TEST(IsVolumeId, RefusesWhatIsNotOurs) {
  for (const char* id :
       {"", "v-", "../v-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "v-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
        "v-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "v-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(IsVolumeId(id)) << id;
  }
}

TEST(CheckName, TakesAnyUnicodeOf128Bytes) {
  EXPECT_THAT(CheckName(std::string(128, 'x')), IsOk());
  EXPECT_THAT(CheckName("\xF0\x9F\x97\x84 / \t .."), IsOk());
}

struct BadName {
  const char* name;
  std::string value;
  const char* reason;
};

class CheckNameRefuses : public ::testing::TestWithParam<BadName> {};

TEST_P(CheckNameRefuses, AndSaysWhy) {
  EXPECT_THAT(CheckName(GetParam().value), FailsWith(Code::kInvalidArgument, GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(Names, CheckNameRefuses,
                         ::testing::Values(BadName{"None", "", "missing"},
                                           BadName{"TooLong", std::string(129, 'x'), "129 bytes"},
                                           BadName{"Nul", std::string("a\0b", 3), "byte 1"},
                                           BadName{"Escape", "ab\x1B", "byte 2"},
                                           BadName{"Delete", "\x7F", "byte 0"},
                                           BadName{"C1Control", "a\xC2\x85", "byte 1"},
                                           BadName{"CutSequence", "a\xC3", "not UTF-8"},
                                           BadName{"StrayByte", "\xFF", "not UTF-8"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::csi
