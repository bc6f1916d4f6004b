#include "common/base/text.h"

#include <gtest/gtest.h>

namespace trivet {
namespace {

using Parts = std::vector<std::string_view>;
using Words = std::vector<std::string>;

TEST(Text, IsSplitAtEverySeparator) {
  EXPECT_EQ(SplitAt("a//b/", '/'), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(SplitAt("/", '/'), (Parts{"", ""}));
  EXPECT_EQ(SplitAt("alone", '/'), Parts{"alone"});
  EXPECT_EQ(SplitAt("", '/'), Parts{""});
}

TEST(Text, WordsHaveAnyWhiteSpaceBetweenThem) {
  EXPECT_EQ(SplitWords(" one\ttwo \r\n three\v\f"), (Words{"one", "two", "three"}));
  EXPECT_EQ(SplitWords("alone"), Words{"alone"});
  EXPECT_EQ(SplitWords(" \n "), Words{});
  EXPECT_EQ(SplitWords(""), Words{});
}

}  // namespace
}  // namespace trivet
