#include "cni/ipam/owner_index.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include <gmock/gmock.h>

#include "cni/ipam/reservation_store.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;

class OwnerIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Open();
    ASSERT_TRUE(store.List());
    ASSERT_TRUE(*store.Reserve(Address("10.1.0.5"), kPod));
    ASSERT_TRUE(*store.Reserve(Address("fd00::5"), kPod));
    ASSERT_TRUE(*store.Reserve(Address("10.1.0.6"), kOther));
  }

  static IpAddress Address(const std::string& text) { return *IpAddress::Parse(text); }
  ReservationStore Open() {
    return std::move(*ReservationStore::Open(folder_ / "net", folder_ / "owners"));
  }
  [[nodiscard]] bool complete() const {
    return OwnerIndex(folder_ / "net", folder_ / "owners").complete();
  }
  /// As somebody does who changes a file behind the folder's back.
  void KeepTime(const std::function<void()>& change) {
    struct stat before{};
    ASSERT_EQ(::stat((folder_ / "net").c_str(), &before), 0);
    change();
    const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "net").c_str(), times.data(), 0), 0);
  }

  const Owner kPod{"pod", "eth0"};
  const Owner kOther{"other", "eth0"};
  const testing::TempDirectory folder_;
};

TEST_F(OwnerIndexTest, SparesTheReadingOfOtherFiles) {
  KeepTime([&] { folder_.Fill({{"net/10.1.0.7", "pod\r\neth0"}}); });

  EXPECT_THAT(*Open().FindByOwner(kPod), ElementsAre(Address("fd00::5"), Address("10.1.0.5")));
}

TEST_F(OwnerIndexTest, IsBelievedOnlyAsFarAsTheFileSaysTheSame) {
  KeepTime([&] { folder_.Fill({{"net/10.1.0.5", "other\r\neth0"}}); });

  EXPECT_THAT(*Open().FindByOwner(kPod), ElementsAre(Address("fd00::5")));
  EXPECT_THAT(*Open().FindByOwner({"pod", "eth1"}), IsEmpty());
}

TEST_F(OwnerIndexTest, NoticesWhatAnotherPluginAdds) {
  folder_.Fill({{"net/10.1.0.7", "pod\r\neth0"}});
  EXPECT_FALSE(complete());

  EXPECT_THAT(*Open().FindByOwner(kPod),
              ElementsAre(Address("fd00::5"), Address("10.1.0.5"), Address("10.1.0.7")));
  EXPECT_TRUE(complete());
}

TEST_F(OwnerIndexTest, NoticesWhatAnotherPluginRemoves) {
  ASSERT_THAT(RemoveFile(folder_ / "net/10.1.0.5"), IsOk());
  EXPECT_FALSE(complete());

  EXPECT_THAT(*Open().FindByOwner(kPod), ElementsAre(Address("fd00::5")));
}

TEST_F(OwnerIndexTest, IsCompleteAfterReservingAndReleasing) {
  EXPECT_TRUE(complete());
  ASSERT_THAT(Open().Release(Address("10.1.0.5"), kPod), IsOk());
  Open().SetLastReserved(0, Address("10.1.0.6"));

  EXPECT_TRUE(complete());
  EXPECT_THAT(*Open().FindByOwner(kPod), ElementsAre(Address("fd00::5")));
}

TEST_F(OwnerIndexTest, KeepsNothingOfAContainerThatHoldsNothing) {
  for (const char* address : {"10.1.0.5", "fd00::5"}) {
    ASSERT_THAT(Open().Release(Address(address), kPod), IsOk());
  }
  ASSERT_THAT(RemoveFile(folder_ / "net/10.1.0.6"), IsOk());
  ASSERT_THAT(Open().FindByOwner(kPod), IsOk());

  EXPECT_TRUE(complete());
  EXPECT_TRUE(std::filesystem::is_empty(*std::filesystem::directory_iterator(folder_ / "owners")));
}

TEST_F(OwnerIndexTest, OfAnotherStateFolderIsAnotherOne) {
  auto other = ReservationStore::Open(folder_ / "net", folder_ / "owners-2");
  ASSERT_THAT(other, IsOk());
  ASSERT_THAT(other->FindByOwner(kPod), IsOk());
  ASSERT_TRUE(*other->Reserve(Address("10.1.0.8"), kPod));
  {
    const ReservationStore closed = std::move(*other);
  }

  EXPECT_FALSE(complete());
  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 3U);
}

TEST_F(OwnerIndexTest, ThatCannotBeWrittenCostsNoMoreThanTheReading) {
  std::filesystem::remove_all(folder_ / "owners");
  folder_.Fill({{"owners", "a file"}, {"net/10.1.0.9", "pod\r\neth0"}});

  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 3U);
  EXPECT_FALSE(complete());
  ASSERT_TRUE(*Open().Reserve(Address("10.1.0.10"), kPod));
  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 4U);
}

TEST_F(OwnerIndexTest, ThatIsGoneIsMadeAgain) {
  std::filesystem::remove_all(folder_ / "owners");

  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 2U);
  EXPECT_TRUE(complete());
}

TEST_F(OwnerIndexTest, ThatHasLostAnEntryIsMadeAgain) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "owners")) {
    if (entry.is_symlink()) std::filesystem::remove(entry.path());
  }

  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 2U);
  EXPECT_TRUE(complete());
}

TEST_F(OwnerIndexTest, HoldsAsManyAddressesOfOneContainerAsALinkTakesAndStaysRightBeyond) {
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(*Open().Reserve(Address(fmt::format("10.2.{}.{}", i / 250, i % 250)), kPod));
  }

  EXPECT_EQ(Open().FindByOwner(kPod)->size(), 502U);
  EXPECT_FALSE(complete());
}

}  // namespace
}  // namespace trivet::cni
