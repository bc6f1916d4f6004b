#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "shim/event_loop.h"
#include "shim/packet.h"

namespace trivet::shim {

/// The shim's socket and the connections to it. A peer that does not read is dropped: nothing here
/// waits for anybody, and nothing is kept for later.
class Server {
 public:
  /// Where an answer goes, and in which minor version; the connection may be gone by then.
  struct Address {
    uint64_t connection = 0;
    uint32_t serial = 0;
    Verb verb = Verb::kHello;
    uint16_t minor = 0;
  };
  using OnRequest = std::function<void(const Address&, Packet)>;

  /// Listens on `socket` (0600). Peers of another user are turned away.
  static Result<std::unique_ptr<Server>> Listen(EventLoop& loop,
                                                const std::filesystem::path& socket,
                                                OnRequest on_request);

  /// `body` is in the address's version.
  void Answer(const Address& to, const Result<std::string>& body);
  /// From now on this connection gets events, in the address's version.
  void Subscribe(const Address& to);
  template <class Body>
  void SendEvent(Verb verb, const Body& body) {
    SendEvents(verb, [&](uint16_t minor) { return wire::Encode(body, minor); });
  }

 private:
  struct Connection {
    UniqueFd socket;
    bool subscribed = false;
    uint16_t minor = 0;  // of events
  };
  Server(EventLoop& loop, UniqueFd socket, OnRequest on_request)
      : loop_(loop), socket_(std::move(socket)), on_request_(std::move(on_request)) {}
  Result<> Watch();
  void Accept();
  void AcceptLater(int reason);
  void Read(uint64_t id);
  void SendEvents(Verb verb, const std::function<std::string(uint16_t minor)>& encode);
  void Drop(uint64_t id);

  EventLoop& loop_;
  UniqueFd socket_;
  OnRequest on_request_;
  std::map<uint64_t, Connection> connections_;
  uint64_t last_id_ = 0;
};

}  // namespace trivet::shim
