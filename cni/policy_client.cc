#include "cni/policy_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "common/base/unique_fd.h"
#include "proto/trivet/wire.h"

namespace trivet::cni {
namespace {

constexpr timeval kAnswerWithin{.tv_sec = 20, .tv_usec = 0};

policy::Attachment ToWire(const AttachmentKey& key) {
  return {.network = key.network, .container_id = key.container_id, .ifname = key.ifname};
}

policy::Request MakeRequest(policy::Verb verb, const AttachmentKey& key) {
  policy::Request request;
  request.verb = verb;
  request.attachment = ToWire(key);
  return request;
}

std::vector<std::string> Texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& address : addresses) texts.push_back(address.ToString());
  return texts;
}

Result<UniqueFd> Connect(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return Fail(Code::kInvalidArgument, "policy: socket: {} is too long a path", path.native());
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());

  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("open unix socket");
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Fail(Code::kUnavailable, "policy agent is away: connect to {}: {}", path.native(),
                std::strerror(errno));
  }
  return socket;
}

}  // namespace

Result<> PolicyClient::Call(const policy::Request& request) {
  ASSIGN_OR_RETURN(const UniqueFd socket, Connect(socket_));
  const std::string packet = wire::Encode(request);
  if (packet.size() > policy::kMaxPacketBytes) {
    return Fail(Code::kOutOfRange, "policy request of {} bytes", packet.size());
  }
  if (::send(socket.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    return Fail(Code::kUnavailable, "send to policy agent: {}", std::strerror(errno));
  }
  const auto buffer = std::make_unique_for_overwrite<char[]>(policy::kMaxPacketBytes);
  const ssize_t received = ::recv(socket.get(), buffer.get(), policy::kMaxPacketBytes, 0);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return Fail(Code::kDeadlineExceeded, "policy agent gave no answer in {} s",
                kAnswerWithin.tv_sec);
  }
  if (received <= 0) return Fail(Code::kUnavailable, "policy agent went away");
  const std::string_view text(buffer.get(), static_cast<size_t>(received));
  ASSIGN_OR_RETURN(const auto answer, wire::Decode<policy::Answer>(text), "policy agent");
  if (answer.version != policy::kVersion) {
    return Fail(Code::kUnimplemented, "policy agent speaks version {}, not {}", answer.version,
                policy::kVersion);
  }
  if (answer.code == 0) return {};
  return Fail(static_cast<Code>(answer.code), "policy agent: {}", answer.message);
}

Result<> PolicyClient::Add(const AttachmentKey& key, const std::vector<IpAddress>& addresses,
                           const Environment& environment) {
  policy::Request request = MakeRequest(policy::Verb::kAdd, key);
  request.pod_namespace = environment.Arg("K8S_POD_NAMESPACE");
  request.pod_name = environment.Arg("K8S_POD_NAME");
  request.pod_uid = environment.Arg("K8S_POD_UID");
  request.addresses = Texts(addresses);
  return Call(request);
}

Result<> PolicyClient::Delete(const AttachmentKey& key) {
  return Call(MakeRequest(policy::Verb::kDelete, key));
}

Result<> PolicyClient::Check(const AttachmentKey& key, const std::vector<IpAddress>& addresses) {
  policy::Request request = MakeRequest(policy::Verb::kCheck, key);
  request.addresses = Texts(addresses);
  return Call(request);
}

Result<> PolicyClient::Gc(const std::string& network, const std::vector<AttachmentKey>& valid) {
  policy::Request request = MakeRequest(policy::Verb::kGc, {.network = network});
  for (const AttachmentKey& key : valid) request.valid_attachments.push_back(ToWire(key));
  return Call(request);
}

Result<> PolicyClient::Status() {
  return Call(MakeRequest(policy::Verb::kStatus, {}));
}

}  // namespace trivet::cni
