// What the fuzzer starts from, and what it once found, is read in every build.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/linux/file.h"
#include "tests/fuzz/target.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"

namespace trivet::fuzz {
namespace {

using testing::IsOk;

class Corpus : public ::testing::TestWithParam<std::pair<const std::string_view, Target>> {};

TEST_P(Corpus, IsReadWithoutACrash) {
  const auto& [name, target] = GetParam();
  const std::filesystem::path folder = testing::SourceDirectory() / "tests/fuzz/corpus" / name;

  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto input = ReadFile(entry.path());
    ASSERT_THAT(input, IsOk());
    target(*input);
    ++files;
  }
  EXPECT_GT(files, 0U);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::ValuesIn(AllTargets()),
                         [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace trivet::fuzz
