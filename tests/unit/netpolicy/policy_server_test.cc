#include "netpolicy/service/policy_server.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>

#include "proto/trivet/wire.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;

class PolicyServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = PolicyServer::Listen(path_, [this](const policy::Request& request) {
      requests_.push_back(request);
      return policy::Answer{.code = 0, .message = request.pod_name};
    });
    ASSERT_THAT(server, IsOk());
    server_.emplace(*std::move(server));
  }

  UniqueFd Connect() {
    UniqueFd client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0)
        << std::strerror(errno);
    return client;
  }
  static void Send(const UniqueFd& client, const std::string& packet) {
    EXPECT_EQ(::send(client.get(), packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()))
        << std::strerror(errno);
  }
  /// Nothing when there is no answer yet, or the connection was closed without one.
  static std::optional<policy::Answer> Receive(const UniqueFd& client) {
    std::string buffer(policy::kMaxPacketBytes, '\0');
    const ssize_t size = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return std::nullopt;
    buffer.resize(static_cast<size_t>(size));
    const auto answer = wire::Decode<policy::Answer>(buffer);
    EXPECT_THAT(answer, IsOk());
    return answer.value_or(policy::Answer{});
  }
  static std::string Request(const std::string& pod) {
    return wire::Encode(policy::Request{.verb = policy::Verb::kAdd, .pod_name = pod});
  }
  void Serve() { EXPECT_THAT(server_->ServeReady(), IsOk()); }

  const testing::TempDirectory folder_;
  const std::filesystem::path path_ = folder_ / "run/agent.sock";
  std::vector<policy::Request> requests_;
  std::optional<PolicyServer> server_;
};

TEST_F(PolicyServerTest, AnswersARequestAndClosesTheConnection) {
  const UniqueFd client = Connect();
  Send(client, Request("a"));
  Serve();
  EXPECT_EQ(Receive(client)->message, "a");
  EXPECT_EQ(::recv(client.get(), nullptr, 0, 0), 0);
}

TEST_F(PolicyServerTest, AnswersOthersWhileAClientSaysNothing) {
  const UniqueFd silent = Connect();
  Serve();
  const UniqueFd client = Connect();
  Send(client, Request("b"));
  Serve();
  EXPECT_EQ(Receive(client)->message, "b");
  Send(silent, Request("late"));
  Serve();
  EXPECT_EQ(Receive(silent)->message, "late");
}

TEST_F(PolicyServerTest, SurvivesAClientThatGoesAway) {
  {
    const UniqueFd gone = Connect();
  }
  Serve();
  {
    const UniqueFd gone = Connect();
    Send(gone, Request("nobody waits for this"));
  }
  Serve();
  const UniqueFd client = Connect();
  Send(client, Request("c"));
  Serve();
  EXPECT_EQ(Receive(client)->message, "c");
}

TEST_F(PolicyServerTest, ClosesTheOldestOfTooManySilentClients) {
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i <= PolicyServer::kMaxSilentClients; ++i) {
    silent.push_back(Connect());
    if (i % 100 == 0) Serve();  // before the backlog is full
  }
  Serve();
  EXPECT_EQ(::recv(silent.front().get(), nullptr, 0, 0), 0) << "closed";
  Send(silent.back(), Request("d"));
  Serve();
  EXPECT_EQ(Receive(silent.back())->message, "d");
}

TEST_F(PolicyServerTest, AnswersEveryoneOfMoreThanItKeeps) {
  std::vector<UniqueFd> clients;
  for (size_t i = 0; i < PolicyServer::kMaxSilentClients + 100; ++i) {
    clients.push_back(Connect());
    Send(clients.back(), Request("e"));
  }
  Serve();
  for (const UniqueFd& client : clients) EXPECT_TRUE(Receive(client).has_value());
}

struct Packet {
  const char* name;
  std::string bytes;
  const char* says;
};

class BadPacket : public PolicyServerTest, public ::testing::WithParamInterface<Packet> {};

TEST_P(BadPacket, IsAnsweredWithTheReason) {
  const UniqueFd client = Connect();
  Send(client, GetParam().bytes);
  Serve();
  const auto answer = Receive(client);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_THAT(answer->message, HasSubstr(GetParam().says));
  EXPECT_TRUE(requests_.empty());
}

const auto kNameOfPacket = [](const auto& row) { return std::string(row.param.name); };
INSTANTIATE_TEST_SUITE_P(
    Rows, BadPacket,
    ::testing::Values(
        Packet{"OneByte", "x", "request: message of 1 bytes ends early"},
        Packet{"CutShort", wire::Encode(policy::Request{}).substr(0, 12), "ends early"},
        Packet{"TooLong", wire::Encode(policy::Request{}) + "x", "goes on after its end"},
        Packet{"ALengthBeyondTheEnd", std::string("\1\0\0\0\1\xff\xff\xff\xff", 9), "ends early"},
        Packet{"Oversized", std::string(policy::kMaxPacketBytes + 1, 'x'),
               "request of 196609 bytes is larger than 196608"}),
    kNameOfPacket);

TEST_F(PolicyServerTest, MakesASocketForItsOwnUserAlone) {
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(PolicyServerTest, ReplacesTheSocketOfAKilledAgentAndNothingElse) {
  EXPECT_THAT(PolicyServer::Listen(path_, nullptr), IsOk());
  std::ofstream(folder_ / "file") << "precious";
  EXPECT_THAT(PolicyServer::Listen(folder_ / "file", nullptr),
              FailsWith(Code::kAlreadyExists, "something else has this name"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "file"));
}

TEST_F(PolicyServerTest, RefusesAPathThatNoSocketCanHave) {
  EXPECT_THAT(PolicyServer::Listen(folder_ / std::string(200, 'x'), nullptr),
              FailsWith(Code::kInvalidArgument, "longer than a unix socket path"));
}

TEST_F(PolicyServerTest, RemovesItsSocketAtTheEnd) {
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace trivet::netpolicy
