// What the programs load. Source: docs/adr/2026-11-30-grpc-in-the-program.md.

#include "common/linux/command.h"
#include "tests/testing/directories.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LibrariesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(LibrariesTest, HaveGrpcWithinAndOpenSslFromTheNode) {
  if (testing::ProgramsAreSanitized()) GTEST_SKIP() << "sanitizers want shared libraries";

  const auto output =
      RunCommand({.program = "/usr/bin/ldd", .args = {testing::BinDirectory() / GetParam()}});

  ASSERT_TRUE(output.has_value());
  EXPECT_THAT(output->out, HasSubstr("libcrypto.so"));
  for (const char* library : {"libgrpc", "libprotobuf", "libabsl", "libcares", "libre2", "libupb"})
    EXPECT_THAT(output->out, Not(HasSubstr(library)));
}

INSTANTIATE_TEST_SUITE_P(Programs, LibrariesTest,
                         ::testing::Values("trivet-cri", "trivet-csi", "trivetctl"),
                         [](const auto& program) {
                           std::string name = program.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace trivet
