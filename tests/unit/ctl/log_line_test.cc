#include "ctl/command/log_line.h"

#include <sstream>

#include "ctl/command/logs.h"
#include "tests/testing/matchers.h"

namespace trivet::ctl {
namespace {

using trivet::testing::FailsWith;
using trivet::testing::IsOk;

constexpr std::string_view kTime = "2026-11-23T11:00:00.000000001Z";

std::string Line(std::string_view rest) {
  return std::string(kTime) + " " + std::string(rest);
}

TEST(ParseLogLine, TakesTheFourParts) {
  const std::string text = Line("stderr P:x  two  blanks ");
  const auto line = ParseLogLine(text);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->time, kTime);
  EXPECT_TRUE(line->is_stderr);
  EXPECT_TRUE(line->partial);
  EXPECT_EQ(line->text, " two  blanks ");
}

TEST(ParseLogLine, RefusesWhatIsNone) {
  for (const std::string& text : {std::string(), std::string("hello"), Line("stdin F x"),
                                  Line("stdout X x"), Line("stdout"), "x stdout F y" + Line("")}) {
    EXPECT_THAT(ParseLogLine(text), FailsWith(Code::kDataLoss, "not a line")) << text;
  }
}

struct Printed {
  std::string out;
  std::string err;
  size_t bytes = 0;
};
Printed Print(const std::string& text, const LogOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const auto bytes = PrintLogText(text, options, {out, err});
  EXPECT_THAT(bytes, IsOk());
  return {out.str(), err.str(), bytes.value_or(0)};
}

TEST(PrintLogText, JoinsPartialLinesAndSeparatesTheStreams) {
  const Printed printed = Print(
      Line("stdout P a\n") + Line("stdout F b\n") + Line("stderr F e\n") + Line("stdout F c"), {});
  EXPECT_EQ(printed.out, "ab\n");
  EXPECT_EQ(printed.err, "e\n");
  EXPECT_EQ(printed.bytes, 3 * Line("stdout F a\n").size());  // the last line is not whole yet
}

TEST(PrintLogText, PrintsTheLastLinesOnly) {
  const std::string text = Line("stdout F 1\n") + Line("stdout F 2\n") + Line("stdout F 3\n");
  EXPECT_EQ(Print(text, {.tail = 2}).out, "2\n3\n");
  EXPECT_EQ(Print(text, {.tail = 0}).out, "");
  EXPECT_EQ(Print(text, {.tail = 9}).out, "1\n2\n3\n");
}

}  // namespace
}  // namespace trivet::ctl
