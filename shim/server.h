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
  /// Where an answer goes; the connection may be gone by then.
  struct Address {
    uint64_t connection = 0;
    uint32_t serial = 0;
    Verb verb = Verb::kHello;
  };
  using OnRequest = std::function<void(const Address&, Packet)>;

  /// Listens on `socket` (0600). Peers of another user are turned away.
  static Result<std::unique_ptr<Server>> Listen(EventLoop& loop,
                                                const std::filesystem::path& socket,
                                                OnRequest on_request);

  void Answer(const Address& to, const Result<std::string>& body);
  /// From now on this connection gets events.
  void Subscribe(const Address& to);
  void SendEvent(Verb verb, const std::string& body);

 private:
  struct Connection {
    UniqueFd socket;
    bool subscribed = false;
  };
  Server(EventLoop& loop, UniqueFd socket, OnRequest on_request)
      : loop_(loop), socket_(std::move(socket)), on_request_(std::move(on_request)) {}
  void Accept();
  void Read(uint64_t id);
  void Drop(uint64_t id);

  EventLoop& loop_;
  UniqueFd socket_;
  OnRequest on_request_;
  std::map<uint64_t, Connection> connections_;
  uint64_t last_id_ = 0;
};

}  // namespace trivet::shim
