#include "cri-runtime/state/by_id.h"

#include <gmock/gmock.h>

#include "cri-runtime/state/snapshot.h"

namespace trivet::state {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const Sandbox> Named(const std::string& id, const std::string& hostname = "") {
  sandbox::Record record{.id = id};
  record.config.hostname = hostname;
  return std::make_shared<const Sandbox>(
      Sandbox{std::make_shared<const sandbox::Record>(std::move(record)), {}});
}

std::vector<std::string> IdsOf(const ById<Sandbox>& sandboxes) {
  std::vector<std::string> ids;
  for (const auto& [id, sandbox] : sandboxes) ids.push_back(id);
  return ids;
}

TEST(ById, IsInTheOrderOfTheIds) {
  ById<Sandbox> sandboxes;
  for (const char* id : {"b", "c", "a"}) sandboxes.Set(Named(id));
  EXPECT_THAT(IdsOf(sandboxes), ElementsAre("a", "b", "c"));
  EXPECT_EQ(sandboxes.lower_bound("bb")->first, "c");
}

TEST(ById, ReplacesTheOneOfTheSameId) {
  ById<Sandbox> sandboxes;
  sandboxes.Set(Named("a"));
  sandboxes.Set(Named("a", "new"));
  ASSERT_EQ(sandboxes.size(), 1u);
  EXPECT_EQ(sandboxes.find("a")->second->record->config.hostname, "new");
}

TEST(ById, FindsWhatIsThereAlone) {
  ById<Sandbox> sandboxes;
  EXPECT_TRUE(sandboxes.find("a") == sandboxes.end());
  sandboxes.Set(Named("aa"));
  EXPECT_TRUE(sandboxes.contains("aa"));
  EXPECT_FALSE(sandboxes.contains("a"));
  EXPECT_FALSE(sandboxes.contains("b"));
}

TEST(ById, ErasesThatOneOnly) {
  ById<Sandbox> sandboxes;
  for (const char* id : {"a", "b", "c"}) sandboxes.Set(Named(id));
  sandboxes.Erase("b");
  sandboxes.Erase("x");
  EXPECT_THAT(IdsOf(sandboxes), ElementsAre("a", "c"));
}

TEST(ById, ACopyKeepsWhatItHas) {
  ById<Sandbox> sandboxes;
  sandboxes.Set(Named("a"));
  const ById<Sandbox> before = sandboxes;
  sandboxes.Erase("a");
  EXPECT_THAT(IdsOf(before), ElementsAre("a"));
  EXPECT_TRUE(sandboxes.empty());
}

}  // namespace
}  // namespace trivet::state
