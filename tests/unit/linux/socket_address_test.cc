#include "common/linux/socket_address.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::TempDirectory;

TEST(SocketAddress, ReachesASocketDeeperThanTheKernelsLimit) {
  const TempDirectory temp;
  const auto folder = temp.path() / std::string(100, 'a') / std::string(100, 'b');
  ASSERT_THAT(EnsureDirectory(folder), IsOk());
  const UniqueFd server(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  {
    const auto address = SocketAddress::Of(folder / "sock");
    ASSERT_THAT(address, IsOk());
    ASSERT_EQ(::bind(server.get(), address->get(), SocketAddress::size()), 0);
  }
  ASSERT_EQ(::listen(server.get(), 1), 0);
  EXPECT_TRUE(std::filesystem::is_socket(folder / "sock"));

  const UniqueFd client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::Of(folder / "sock");
  EXPECT_EQ(::connect(client.get(), address->get(), SocketAddress::size()), 0);
}

TEST(SocketAddress, RefusesANameThatNoFolderCanShorten) {
  const TempDirectory temp;
  EXPECT_THAT(SocketAddress::Of(temp.path() / std::string(120, 'n')),
              FailsWith(Code::kInvalidArgument, "longer than a socket's name may be"));
}

TEST(SocketAddress, NamesTheFolderThatIsNotThere) {
  const TempDirectory temp;
  EXPECT_THAT(SocketAddress::Of(temp.path() / std::string(120, 'a') / "sock"),
              FailsWith(Code::kNotFound, "open"));
}

}  // namespace
}  // namespace trivet
