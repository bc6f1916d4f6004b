#include "shim/log_writer.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::shim {
namespace {

using ::testing::EndsWith;

constexpr std::string_view kFull = "1970-01-01T00:00:00.000000000Z stdout F ";
constexpr std::string_view kPartial = "1970-01-01T00:00:00.000000000Z stdout P ";

class LogWriterTest : public ::testing::Test {
 protected:
  static std::string Line(std::string_view header, std::string_view text) {
    return std::string(header) + std::string(text) + "\n";
  }
  [[nodiscard]] std::string Content() const { return *ReadFile(directory_ / "log"); }

  testing::TempDirectory directory_;
  LogFile file_ = std::move(*LogFile::Open((directory_ / "log").native()));
  LogWriter writer_{file_, LogStream::kStdout};
};

TEST_F(LogWriterTest, WritesEachLineWithItsHeader) {
  writer_.Take("one\ntwo\n\n", 0);
  EXPECT_EQ(Content(), Line(kFull, "one") + Line(kFull, "two") + Line(kFull, ""));
}

TEST_F(LogWriterTest, JoinsALineThatComesInPieces) {
  writer_.Take("he", 0);
  writer_.Take("ll", 0);
  EXPECT_EQ(Content(), "");
  writer_.Take("o\nnext", 0);
  EXPECT_EQ(Content(), Line(kFull, "hello"));
}

TEST_F(LogWriterTest, CutsALongLineIntoPartialOnes) {
  const std::string text(kMaxLineBytes, 'x');
  writer_.Take(text + "rest\n", 0);
  EXPECT_EQ(Content(), Line(kPartial, text) + Line(kFull, "rest"));
}

// A limit of the file's size, as a full disk: a write is cut off, and later there is room again.
TEST_F(LogWriterTest, BeginsALineAnewAfterOneThatAFullDiskCutOff) {
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const size_t room = Line(kFull, "one").size() + Line(kFull, "tw").size() - 1;
  const rlimit full{room, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  writer_.Take("one\ntwo\n", 0);
  writer_.Take("lost\n", 0);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  writer_.Take("three\n", 0);
  EXPECT_EQ(Content(), Line(kFull, "one") + Line(kFull, "tw") + Line(kFull, "three"));
}

TEST_F(LogWriterTest, CutsAtTheSamePlaceHoweverTheTextComes) {
  const std::string text(kMaxLineBytes, 'x');
  for (const char c : text) writer_.Take({&c, 1}, 0);
  writer_.Take("rest\n", 0);
  EXPECT_EQ(Content(), Line(kPartial, text) + Line(kFull, "rest"));
}

TEST_F(LogWriterTest, DoesNotCutALineOfExactlyTheLimit) {
  const std::string text(kMaxLineBytes, 'x');
  writer_.Take(text + "\n", 0);
  EXPECT_EQ(Content(), Line(kFull, text));
}

TEST_F(LogWriterTest, WritesWhatIsLeftAtTheEndAsPartial) {
  writer_.Take("no line feed", 0);
  writer_.Finish(0);
  writer_.Finish(0);
  EXPECT_EQ(Content(), Line(kPartial, "no line feed"));
}

TEST_F(LogWriterTest, TakesMoreLinesAtOnceThanOneWriteHolds) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x\n";
  writer_.Take(text, 0);
  const std::string content = Content();
  EXPECT_EQ(std::ranges::count(content, '\n'), 1000);
  EXPECT_THAT(content, EndsWith(Line(kFull, "x")));
}

}  // namespace
}  // namespace trivet::shim
