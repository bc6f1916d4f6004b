#pragma once

#include <optional>
#include <string>

#include "common/base/unique_fd.h"
#include "tests/integration/cni/chain_test.h"

namespace trivet::cni {

/// A ChainTest of type "portmap": a node at 192.0.2.1 and fd99::1, with a client beside it at
/// 192.0.2.2 and fd99::2.
class HostPortTest : public ChainTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A pod of network `network`, 0 or 1, and what its ADD said.
  struct Attached {
    Pod pod;
    json::Value result;
    int network = 0;
  };
  Attached Attach(const std::string& id, int network = 0,
                  const json::Value& members = json::Value::object());
  [[nodiscard]] json::Value Network(int network) const;
  /// The configuration of type "portmap" for the pod: `mappings` as runtimeConfig.portMappings.
  [[nodiscard]] json::Value Mapped(const Attached& attached,
                                   const std::vector<json::Value>& mappings,
                                   const json::Value& members = json::Value::object()) const;
  /// {hostPort, containerPort, protocol}.
  static json::Value Mapping(int host_port, int container_port,
                             const std::string& protocol = "tcp");
  static json::Value MappingOf(const std::string& host_ip, int host_port, int container_port);

  /// A socket of that type in the pod's namespace, or in the node's; a receiver waits ten seconds.
  static UniqueFd SocketIn(const std::optional<Pod>& pod, int family, int type, int protocol = 0);
  /// Bound to the port of every address of both families; listening where it is TCP.
  static UniqueFd Serve(const std::optional<Pod>& pod, int type, uint16_t port);
  /// 0, or errno.
  static int Connect(const UniqueFd& socket, const std::string& address, uint16_t port);
  static void Send(const UniqueFd& socket, const std::string& address, uint16_t port,
                   const std::string& message);
  /// Connects to a port that nobody has, and waits for the node to say so.
  static void SendToNobody(const UniqueFd& socket, const std::string& address, uint16_t port);
  /// The next datagram; "" when there is none.
  static std::string Receive(const UniqueFd& socket);
  /// Opens a connection, which `server` has to accept: as whose it comes in there. What went wrong
  /// otherwise.
  static std::string SeenFrom(const std::optional<Pod>& from, const std::string& address,
                              uint16_t port, const UniqueFd& server);
  /// Whether the node answers a connection to the port with a reset, as nobody listens.
  static bool IsRefusedFrom(const std::optional<Pod>& from, const std::string& address,
                            uint16_t port);

  static std::string RouteLocalnet(const std::string& interface);

  Pod client_;
};

}  // namespace trivet::cni
