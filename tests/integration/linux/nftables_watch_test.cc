#include "common/linux/nftables_watch.h"

#include <linux/netfilter.h>

#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet::nft {
namespace {

using testing::IsOk;

const Table kOurs{NFPROTO_INET, "trivet_test"};
const Set kSet{.name = "addresses", .key = {Type::kIpv4Address}};

class TableWatchTest : public testing::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto watch = TableWatch::Open(kOurs);
    ASSERT_THAT(watch, IsOk());
    watch_.emplace(*std::move(watch));
  }
  static void Reset(const Table& table) {
    Transaction transaction(table);
    transaction.ResetTable();
    transaction.AddSet(kSet);
    ASSERT_THAT(std::move(transaction).Commit(), IsOk());
  }
  bool Changed() { return watch_->TakeChanges().value_or(false); }

  std::optional<TableWatch> watch_;
};

TEST_F(TableWatchTest, TellsOfTheTableAndForgets) {
  EXPECT_FALSE(Changed());
  Reset(kOurs);
  EXPECT_TRUE(Changed());
  EXPECT_FALSE(Changed());
}

TEST_F(TableWatchTest, TellsOfAnElement) {
  Reset(kOurs);
  EXPECT_TRUE(Changed());
  Transaction transaction(kOurs);
  transaction.AddElements(kSet, std::vector<Element>{{.key = Bytes("\x0a\0\0\1", 4)}});
  ASSERT_THAT(std::move(transaction).Commit(), IsOk());
  EXPECT_TRUE(Changed());
}

TEST_F(TableWatchTest, SaysNothingOfOtherTables) {
  Reset({NFPROTO_INET, "trivet_test2"});
  Reset({NFPROTO_IPV4, "trivet_test"});
  EXPECT_FALSE(Changed());
}

TEST_F(TableWatchTest, TakesDroppedEventsForAChange) {
  Reset({NFPROTO_INET, "other"});
  std::vector<Element> elements;
  for (int i = 0; i < 30'000; ++i) {
    elements.push_back(
        {.key = {1, static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)}});
  }
  Transaction transaction({NFPROTO_INET, "other"});
  transaction.AddElements(kSet, elements);
  ASSERT_THAT(std::move(transaction).Commit(), IsOk());
  EXPECT_TRUE(Changed());
  EXPECT_FALSE(Changed());
}

}  // namespace
}  // namespace trivet::nft
