// State folders in which somebody has put what no plugin writes.
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "cni/attachment_store.h"
#include "cni/ipam/allocator.h"
#include "cni/ipam/reservation_store.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

/// A file of that name and kind.
using Maker = void (*)(const std::filesystem::path& file);
struct Kind {
  const char* name;
  Maker make;
};

void Fifo(const std::filesystem::path& file) {
  EXPECT_EQ(::mkfifo(file.c_str(), 0600), 0);
}
void Folder(const std::filesystem::path& file) {
  std::filesystem::create_directory(file);
}
void LinkToAnOwner(const std::filesystem::path& file) {
  std::filesystem::create_symlink("owner", file);
}
void LinkToNowhere(const std::filesystem::path& file) {
  std::filesystem::create_symlink("/nowhere", file);
}
void LinkToItself(const std::filesystem::path& file) {
  std::filesystem::create_symlink(file, file);
}

const auto kKinds = ::testing::Values(
    Kind{"Fifo", Fifo}, Kind{"Folder", Folder}, Kind{"LinkToAnOwner", LinkToAnOwner},
    Kind{"LinkToNowhere", LinkToNowhere}, Kind{"LinkToItself", LinkToItself});
std::string KindName(const ::testing::TestParamInfo<Kind>& test) {
  return test.param.name;
}

class HostileReservationsTest : public ::testing::TestWithParam<Kind> {
 protected:
  ReservationStore Open() {
    return std::move(*ReservationStore::Open(folder_ / "net", folder_ / "owners"));
  }
  void Put(const std::string& name) {
    folder_.Fill({{"net/owner", "pod\r\neth0"}});
    GetParam().make(folder_ / "net" / name);
  }
  Result<std::vector<IpConfig>> AllocateOne() {
    auto store = Open();
    const RangeSet set = *ParseRangeSet(json::Value::parse(R"([{"subnet": "10.1.0.0/29"}])"));
    return Allocate(store, {set}, {}, {"pod", "eth0"});
  }
  const testing::TempDirectory folder_;
};
INSTANTIATE_TEST_SUITE_P(Of, HostileReservationsTest, kKinds, KindName);

TEST_P(HostileReservationsTest, InPlaceOfAnAddressIsSomebodysAndStays) {
  Put("10.1.0.2");

  const auto given = AllocateOne();

  ASSERT_THAT(given, IsOk());
  EXPECT_EQ(given->front().address.ToString(), "10.1.0.3/29");
  EXPECT_THAT(*Open().FindByOwner({"pod", "eth0"}), ElementsAre(*IpAddress::Parse("10.1.0.3")));
  EXPECT_TRUE(std::filesystem::is_fifo(std::filesystem::symlink_status(folder_ / "net/10.1.0.2")) ||
              std::filesystem::exists(std::filesystem::symlink_status(folder_ / "net/10.1.0.2")));
}

TEST_P(HostileReservationsTest, InPlaceOfTheLastAddressDoesNotStopAnAllocation) {
  Put("last_reserved_ip.0");

  const auto given = AllocateOne();

  ASSERT_THAT(given, IsOk());
  EXPECT_EQ(given->front().address.ToString(), "10.1.0.2/29");
}

TEST_P(HostileReservationsTest, InPlaceOfAnEntryOfTheIndexIsSeen) {
  ASSERT_THAT(AllocateOne(), IsOk());
  ASSERT_THAT(Open().List(), IsOk());
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "owners")) {
    for (const auto& link : std::filesystem::directory_iterator(entry)) {
      std::filesystem::remove(link);
      GetParam().make(link);
    }
  }

  EXPECT_THAT(*Open().FindByOwner({"pod", "eth0"}), SizeIs(1));
}

class HostileRecordsTest : public ::testing::TestWithParam<Kind> {
 protected:
  HostileRecordsTest() {
    folder_.Fill({{"attachments/owner", "{}"}});
    GetParam().make(folder_ / "attachments/net@pod@eth0.json");
  }
  const testing::TempDirectory folder_;
  const AttachmentStore store_{Paths(folder_.path())};
  const AttachmentKey key_{"net", "pod", "eth0"};
};
INSTANTIATE_TEST_SUITE_P(Of, HostileRecordsTest, kKinds, KindName);

TEST_P(HostileRecordsTest, IsNoRecord) {
  EXPECT_EQ(*store_.Read(key_), std::nullopt);
  EXPECT_THAT(*store_.List(), IsEmpty());
}

TEST_P(HostileRecordsTest, IsReplacedOrNamedButNotWrittenThrough) {
  Attachment attachment;
  attachment.key = key_;

  const auto written = store_.Write(attachment);

  EXPECT_EQ(*ReadFile(folder_ / "attachments/owner"), "{}");
  if (written) {
    EXPECT_EQ((*store_.Read(key_))->key, key_);
  } else {
    EXPECT_NE(written.error().message().find("net@pod@eth0.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace trivet::cni
