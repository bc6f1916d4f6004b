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

TEST(Text, HasNoBlanksAtItsEnds) {
  EXPECT_EQ(WithoutBlanks(" \t one two\r"), "one two");
  EXPECT_EQ(WithoutBlanks(" one\n"), "one\n");
  EXPECT_EQ(WithoutBlanks(" \n one ", " \n"), "one");
  EXPECT_EQ(WithoutBlanks(" \t"), "");
  EXPECT_EQ(WithoutBlanks(""), "");
}

TEST(Text, WordsHaveAnyWhiteSpaceBetweenThem) {
  EXPECT_EQ(SplitWords(" one\ttwo \r\n three\v\f"), (Words{"one", "two", "three"}));
  EXPECT_EQ(SplitWords("alone"), Words{"alone"});
  EXPECT_EQ(SplitWords(" \n "), Words{});
  EXPECT_EQ(SplitWords(""), Words{});
}

}  // namespace
}  // namespace trivet
