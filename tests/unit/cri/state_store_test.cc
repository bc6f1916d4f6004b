#include "cri-runtime/state/store.h"

#include <gtest/gtest.h>

#include "common/linux/file.h"
#include "cri-runtime/state/fields.h"
#include "cri-runtime/state/id.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::state {
namespace {

using testing::FailsWith;
using testing::IsOk;

const std::string kBytes("A=\xff\x00%\xc3\xa4", 8);

class StoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> Open() { return std::move(*Store::Open(paths_)); }
  [[nodiscard]] std::filesystem::path File(const std::string& name) const {
    return paths_.Sandboxes() / name;
  }

  testing::TempDirectory folder_;
  const cri::Paths paths_{.state = folder_ / "state", .run = folder_ / "run"};
  const std::string id_ = *NewId();
  const std::string other_ = *NewId();
};

TEST_F(StoreTest, FindsAfterARestartWhatWasRecorded) {
  {
    const auto store = Open();
    ASSERT_THAT(store->Add(sandbox::Record{.id = id_, .config = {.metadata = {.name = "p"}}}),
                IsOk());
    ASSERT_THAT(store->UpdateSandbox(id_, [](auto& s) { s.phase = sandbox::Phase::kReady; }),
                IsOk());
    ASSERT_THAT(store->Add(container::Record{.id = other_, .sandbox_id = id_, .env = {kBytes}}),
                IsOk());
    ASSERT_THAT(store->UpdateContainer(other_,
                                       [](auto& s) {
                                         s.phase = container::Phase::kExited;
                                         s.exit_code = 3;
                                       }),
                IsOk());
  }
  const auto snapshot = Open()->Get();
  EXPECT_EQ(snapshot->FindSandbox(id_)->record->config.metadata.name, "p");
  const auto container = snapshot->FindContainer(other_);
  EXPECT_EQ(container->state.exit_code, 3);
  EXPECT_EQ(container->record->env.at(0), kBytes);
  EXPECT_EQ(snapshot->ContainersOf(id_).size(), 1u);
}

TEST_F(StoreTest, ReadsAnIntentWithoutAStateAsHalfMade) {
  ASSERT_THAT(Open()->Add(sandbox::Record{.id = id_}), IsOk());
  const auto snapshot = Open()->Get();
  EXPECT_EQ(snapshot->sandboxes.find(id_)->second->state.phase, sandbox::Phase::kCreating);
  EXPECT_EQ(snapshot->FindSandbox(id_), nullptr);
}

TEST_F(StoreTest, ReadsADamagedStateAsHalfMade) {
  ASSERT_THAT(Open()->Add(sandbox::Record{.id = id_}), IsOk());
  ASSERT_THAT(WriteFileVolatile(File(id_ + ".state"), "{"), IsOk());
  EXPECT_EQ(Open()->Get()->sandboxes.find(id_)->second->state.phase, sandbox::Phase::kCreating);
}

TEST_F(StoreTest, TakesAHalfMadeSandboxWithANetworkForAttached) {
  const auto store = Open();
  ASSERT_THAT(store->Add(sandbox::Record{.id = id_, .cni_config = "{}"}), IsOk());
  ASSERT_THAT(store->MakeDurable(id_), IsOk());
  EXPECT_TRUE(store->Get()->sandboxes.find(id_)->second->state.network_attached);
  EXPECT_TRUE(Open()->Get()->sandboxes.find(id_)->second->state.network_attached);
}

TEST_F(StoreTest, RemovesAStateThatAPowerCutLeftWithoutItsRecord) {
  Open();
  ASSERT_THAT(WriteFileVolatile(File(id_ + ".state"), "{}"), IsOk());
  Open();
  EXPECT_FALSE(std::filesystem::exists(File(id_ + ".state")));
}

TEST_F(StoreTest, RemovesWhatAKilledWriteLeft) {
  Open();
  ASSERT_THAT(WriteFileVolatile(File(".x.json.7.1.tmp"), "half"), IsOk());
  Open();
  EXPECT_TRUE(std::filesystem::is_empty(paths_.Sandboxes()));
}

TEST_F(StoreTest, RefusesARecordOfANewerVersionAndNamesTheFile) {
  ASSERT_THAT(EnsureDirectory(paths_.Sandboxes()), IsOk());
  ASSERT_THAT(WriteFileVolatile(File(id_ + ".json"), R"({"version": 2})"), IsOk());
  const auto opened = Store::Open(paths_);
  EXPECT_THAT(opened, FailsWith(Code::kFailedPrecondition, id_ + ".json"));
}

TEST_F(StoreTest, DropsADamagedRecord) {
  ASSERT_THAT(EnsureDirectory(paths_.Sandboxes()), IsOk());
  ASSERT_THAT(WriteFileVolatile(File(id_ + ".json"), ""), IsOk());
  EXPECT_TRUE(Open()->Get()->sandboxes.empty());
  EXPECT_FALSE(std::filesystem::exists(File(id_ + ".json")));
}

TEST_F(StoreTest, LeavesASnapshotAsItWas) {
  const auto store = Open();
  ASSERT_THAT(store->Add(sandbox::Record{.id = id_}), IsOk());
  const auto before = store->Get();
  ASSERT_THAT(store->RemoveSandbox(id_), IsOk());
  EXPECT_TRUE(before->sandboxes.contains(id_));
  EXPECT_FALSE(store->Get()->sandboxes.contains(id_));
}

TEST_F(StoreTest, RemovingTwiceSucceeds) {
  const auto store = Open();
  EXPECT_THAT(store->RemoveSandbox(id_), IsOk());
  EXPECT_THAT(store->RemoveContainer(id_), IsOk());
}

TEST_F(StoreTest, UpdatingWhatIsNotThereIsNotFound) {
  EXPECT_THAT(Open()->UpdateSandbox(id_, [](auto&) {}), FailsWith(Code::kNotFound, id_));
}

TEST_F(StoreTest, FindsByAUniqueBeginningOnly) {
  const auto store = Open();
  const std::string a = "aa" + std::string(62, '0');
  const std::string b = "ab" + std::string(62, '0');
  for (const std::string& id : {a, b}) {
    ASSERT_THAT(store->Add(sandbox::Record{.id = id}), IsOk());
    ASSERT_THAT(store->UpdateSandbox(id, [](auto& s) { s.phase = sandbox::Phase::kReady; }),
                IsOk());
  }
  EXPECT_EQ(store->Get()->FindSandbox("aa")->record->id, a);
  EXPECT_EQ(store->Get()->FindSandbox("a"), nullptr);
  EXPECT_EQ(store->Get()->FindSandbox(""), nullptr);
}

TEST_F(StoreTest, WaitingEndsAtTheDeadlineOrWhenTheContainerIsGone) {
  const auto store = Open();
  const auto now = std::chrono::steady_clock::now();
  const auto exited = [](const container::State& s) {
    return s.phase == container::Phase::kExited;
  };
  EXPECT_TRUE(store->WaitForContainer(id_, now, exited));
  ASSERT_THAT(store->Add(container::Record{.id = id_}), IsOk());
  EXPECT_FALSE(store->WaitForContainer(id_, now, exited));
}

TEST(EscapeBytes, IsUndoneForAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(*UnescapeBytes(EscapeBytes(bytes)), bytes);
  EXPECT_EQ(EscapeBytes("äö 100%"), "äö 100%25");
}

TEST(UnescapeBytes, RefusesAnIncompleteEscape) {
  for (const char* text : {"%", "%4", "%zz", "%ff"}) {
    EXPECT_THAT(UnescapeBytes(text), FailsWith(Code::kInvalidArgument, "escape")) << text;
  }
}

TEST(IsId, TakesSixtyFourHexadecimalDigitsOnly) {
  EXPECT_TRUE(IsId(*NewId()));
  EXPECT_FALSE(IsId("../" + std::string(61, 'a')));
  EXPECT_FALSE(IsId(std::string(63, 'a')));
}

}  // namespace
}  // namespace trivet::state
