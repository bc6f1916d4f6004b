#include "common/linux/netlink.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <thread>

#include "common/linux/netns.h"
#include "common/linux/netns_visit.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::netlink {
namespace {

using testing::FailsWith;
using testing::IsOk;

class RouteSocketTest : public testing::NamespaceTest {
 protected:
  static RouteSocket Socket() {
    auto socket = RouteSocket::Open();
    EXPECT_THAT(socket, IsOk());
    return std::move(*socket);
  }
  static Request CreateBridge(const std::string& name) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name).Nest(IFLA_LINKINFO, [](auto& info) {
      info.String(IFLA_INFO_KIND, "bridge");
    });
    return request;
  }
  static Request LinkByName(const std::string& name) {
    Request request(RTM_GETLINK, 0);
    request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name);
    return request;
  }
  /// A network namespace pinned at `path`, as CNI runtimes hand it over.
  static void PinNewNetworkNamespace(const std::filesystem::path& path) {
    std::ofstream(path).close();
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      ASSERT_EQ(::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr), 0);
    }).join();
  }
};

TEST_F(RouteSocketTest, CreatesALinkAndReadsItBack) {
  auto socket = Socket();

  ASSERT_THAT(socket.Execute(CreateBridge("br7"), "create bridge br7"), IsOk());

  const auto link = socket.Query(LinkByName("br7"), "read link br7");
  ASSERT_THAT(link, IsOk());
  const Attributes attributes = link->AttributesAfter<ifinfomsg>();
  EXPECT_EQ(attributes.String(IFLA_IFNAME), "br7");
  EXPECT_EQ(attributes.Nest(IFLA_LINKINFO).String(IFLA_INFO_KIND), "bridge");
  EXPECT_GT(link->Header<ifinfomsg>().ifi_index, 0);
}

TEST_F(RouteSocketTest, NamesTheObjectAndTheErrnoWhenTheKernelRefuses) {
  auto socket = Socket();
  ASSERT_THAT(socket.Execute(CreateBridge("br7"), "create bridge br7"), IsOk());

  const auto again = socket.Execute(CreateBridge("br7"), "create bridge br7");

  EXPECT_THAT(again, FailsWith(Code::kAlreadyExists, "create bridge br7"));
  EXPECT_EQ(again.error().sys_errno(), EEXIST);
}

TEST_F(RouteSocketTest, AddsTheKernelsOwnWordsFromTheExtendedAck) {
  auto socket = Socket();
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, "x0").Nest(IFLA_LINKINFO, [](auto& info) {
    info.String(IFLA_INFO_KIND, "nosuchkind");
  });

  EXPECT_THAT(socket.Execute(request, "create link x0"),
              FailsWith(Code::kUnimplemented, "Unknown device type"));
}

TEST_F(RouteSocketTest, DumpsEveryLinkOfManyMessages) {
  auto socket = Socket();
  for (int i = 0; i < 60; ++i) {
    ASSERT_THAT(socket.Execute(CreateBridge(fmt::format("br{}", i)), "create bridge"), IsOk());
  }

  Request request(RTM_GETLINK, 0);
  const auto links = socket.Dump(request.Struct(ifinfomsg{}), "list links");

  ASSERT_THAT(links, IsOk());
  EXPECT_GE(links->size(), 61U);
}

TEST_F(RouteSocketTest, QueryOfAnAbsentLinkIsNotFound) {
  auto socket = Socket();

  EXPECT_THAT(socket.Query(LinkByName("nope"), "read link nope"),
              FailsWith(Code::kNotFound, "read link nope"));
}

TEST_F(RouteSocketTest, OpenedInANamespaceStaysInIt) {
  const testing::TempDirectory folder;
  PinNewNetworkNamespace(folder / "pod");

  auto inside = OpenRouteSocketIn(folder / "pod");
  ASSERT_THAT(inside, IsOk());
  ASSERT_THAT(inside->Execute(CreateBridge("inner"), "create bridge inner"), IsOk());

  EXPECT_EQ(::if_nametoindex("inner"), 0U);
  EXPECT_THAT(InNetworkNamespace(folder / "pod",
                                 []() -> Result<> {
                                   if (::if_nametoindex("inner") == 0) return FailErrno("inner");
                                   return {};
                                 }),
              IsOk());
  ::umount2((folder / "pod").c_str(), MNT_DETACH);
}

TEST_F(RouteSocketTest, OpenedOnAVisitStaysInTheNamespaceAndTheCallerComesBack) {
  const testing::TempDirectory folder;
  PinNewNetworkNamespace(folder / "pod");
  std::optional<netlink::RouteSocket> inside;

  EXPECT_THAT(InNetworkNamespaceAndBack(folder / "pod",
                                        [&]() -> Result<> {
                                          ASSIGN_OR_RETURN(inside, netlink::RouteSocket::Open());
                                          return {};
                                        }),
              IsOk());

  ASSERT_THAT(inside->Execute(CreateBridge("inner"), "create bridge inner"), IsOk());
  EXPECT_EQ(::if_nametoindex("inner"), 0U);
  ::umount2((folder / "pod").c_str(), MNT_DETACH);
}

TEST_F(RouteSocketTest, TheOwnNetworkNamespaceIsTheOneVisited) {
  const testing::TempDirectory folder;
  PinNewNetworkNamespace(folder / "pod");
  const auto own = [] {
    struct stat info{};
    const auto namespace_fd = OpenOwnNetworkNamespace();
    EXPECT_THAT(namespace_fd, IsOk());
    EXPECT_EQ(::fstat(namespace_fd->get(), &info), 0);
    return info.st_ino;
  };
  ino_t inside = 0;

  EXPECT_THAT(InNetworkNamespaceAndBack(folder / "pod",
                                        [&]() -> Result<> {
                                          inside = own();
                                          return {};
                                        }),
              IsOk());

  struct stat pod{};
  struct stat outside{};
  ASSERT_EQ(::stat((folder / "pod").c_str(), &pod), 0);
  ASSERT_EQ(::stat("/proc/thread-self/ns/net", &outside), 0);
  EXPECT_EQ(inside, pod.st_ino);
  EXPECT_EQ(own(), outside.st_ino);
  ::umount2((folder / "pod").c_str(), MNT_DETACH);
}

TEST_F(RouteSocketTest, TheOwnNetworkNamespaceMayBeOpenedOnceForManyVisits) {
  const testing::TempDirectory folder;
  PinNewNetworkNamespace(folder / "pod");
  const OwnNetworkNamespaceReuse reuse;
  struct stat before{};
  ASSERT_EQ(::stat("/proc/thread-self/ns/net", &before), 0);
  for (int i = 0; i < 3; ++i) {
    struct stat after{};
    EXPECT_THAT(InNetworkNamespaceAndBack(folder / "pod", [] { return Result<>(); }), IsOk());
    ASSERT_EQ(::stat("/proc/thread-self/ns/net", &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
  }
  ::umount2((folder / "pod").c_str(), MNT_DETACH);
}

TEST_F(RouteSocketTest, AFileThatIsNoNetworkNamespaceIsRefused) {
  const testing::TempDirectory folder;
  folder.Fill({{"plain", "text"}});

  EXPECT_THAT(OpenRouteSocketIn(folder / "plain"), FailsWith(Code::kInvalidArgument, "plain"));
  EXPECT_THAT(OpenRouteSocketIn(folder / "gone"), FailsWith(Code::kNotFound, "gone"));
}

}  // namespace
}  // namespace trivet::netlink
