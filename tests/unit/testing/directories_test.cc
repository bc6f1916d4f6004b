#include "tests/testing/directories.h"

#include "tests/testing/matchers.h"

namespace trivet::testing {
namespace {

TEST(Directories, AreWhereTheBuildSays) {
  EXPECT_TRUE(std::filesystem::exists(SourceDirectory() / "cmake/trivet.cmake"));
  EXPECT_EQ(BinDirectory().filename(), "bin");
}

}  // namespace
}  // namespace trivet::testing
