#include "shim/log_line.h"

#include <gtest/gtest.h>

namespace trivet::shim {
namespace {

TEST(LogLineHeader, WritesUtcWithAllNineDigits) {
  EXPECT_EQ(LogLineHeader(1'000'000'007, LogStream::kStdout, false).text(),
            "1970-01-01T00:00:01.000000007Z stdout F ");
}

TEST(LogLineHeader, NamesStreamAndTag) {
  EXPECT_EQ(LogLineHeader(1'700'000'000'123'456'789, LogStream::kStderr, true).text(),
            "2023-11-14T22:13:20.123456789Z stderr P ");
}

}  // namespace
}  // namespace trivet::shim
