#include "tests/integration/cni/fake_agent.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "proto/trivet/wire.h"

namespace trivet::cni {

FakeAgent::FakeAgent(std::filesystem::path socket, Handler handler)
    : path_(std::move(socket)),
      handler_(std::move(handler)),
      listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  EXPECT_EQ(::listen(listener_.get(), SOMAXCONN), 0);
  thread_ = std::thread([this] { Serve(); });
}

FakeAgent::~FakeAgent() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept
  thread_.join();
  std::filesystem::remove(path_);
}

void FakeAgent::Serve() {
  for (;;) {
    const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) return;
    std::string packet(policy::kMaxPacketBytes, '\0');
    const ssize_t received = ::recv(peer.get(), packet.data(), packet.size(), 0);
    packet.resize(static_cast<size_t>(std::max<ssize_t>(received, 0)));
    const auto request = wire::Decode<policy::Request>(packet);
    if (!request) continue;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    const std::string answer = wire::Encode(handler_(*request));
    EXPECT_EQ(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
  }
}

std::vector<policy::Request> FakeAgent::Requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<policy::Verb> FakeAgent::Verbs() const {
  std::vector<policy::Verb> verbs;
  for (const policy::Request& request : Requests()) verbs.push_back(request.verb);
  return verbs;
}

}  // namespace trivet::cni
