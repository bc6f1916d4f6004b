#include "proto/trivet/policy.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"
#include "tests/fuzz/target.h"

namespace trivet::fuzz {
namespace {

template <class Message>
void ReadMessage(std::string_view input) {
  const auto message = wire::Decode<Message>(input);
  if (message) Require(wire::Encode(*message).size() == input.size(), "a message is its bytes");
}

// The body of a packet to the shim: any of the messages.
void Shim(std::string_view input) {
  ReadMessage<shim::SandboxSpec>(input);
  ReadMessage<shim::ContainerSpec>(input);
  ReadMessage<shim::ExecRequest>(input);
  ReadMessage<shim::SignalRequest>(input);
  ReadMessage<shim::ContainerRef>(input);
  ReadMessage<shim::State>(input);
}

void Policy(std::string_view input) {
  ReadMessage<policy::Request>(input);
  ReadMessage<policy::Answer>(input);
}

}  // namespace

Targets ProtocolTargets() {
  return {{"protocol_shim", Shim}, {"protocol_policy", Policy}};
}

}  // namespace trivet::fuzz
