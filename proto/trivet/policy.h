#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The policy socket: trivet-cni (client) asks trivet-netpolicy (server) to put
/// a pod's policy in force before its first packet, and to forget it after.
///
/// A SOCK_SEQPACKET unix socket, /run/trivet/netpolicy.sock (0600, same uid
/// only). One request, one answer, one packet each, encoded by wire.h.
namespace trivet::policy {

constexpr uint32_t kVersion = 1;
/// A GC of five hundred pods with the longest names, and less than a socket's buffer.
constexpr uint32_t kMaxPacketBytes = 196608;

enum class Verb : uint8_t {
  kAdd = 1,     // commit the pod's verdict; deny-all where the pod is not known yet
  kDelete = 2,  // forget the attachment; unknown is success
  kGc = 3,      // forget every attachment of `network` that is not in `valid_attachments`
  kStatus = 4,  // is the agent able to commit?
  kCheck = 5,   // is this attachment in the kernel as it should be?
};

/// One pod interface of one network: the CNI attachment (CNI spec 1.1.0, section 2).
struct Attachment {
  std::string network;       // CNI network name
  std::string container_id;  // CNI_CONTAINERID
  std::string ifname;        // CNI_IFNAME
};

struct Request {
  uint32_t version = kVersion;
  Verb verb = Verb::kStatus;
  Attachment attachment;
  std::string pod_namespace;           // K8S_POD_NAMESPACE; empty: not a Kubernetes pod
  std::string pod_name;                // K8S_POD_NAME
  std::string pod_uid;                 // K8S_POD_UID
  std::vector<std::string> addresses;  // the pod's own, no prefix length: "10.1.0.5", "fd00::5"
  std::vector<Attachment> valid_attachments;  // of kGc
};

struct Answer {
  uint32_t version = kVersion;
  int32_t code = 0;     // 0, or trivet::Code
  std::string message;  // why not, when code is not 0
};

template <class Codec>
void Fields(Codec& c, Attachment& m) {
  c(m.network, m.container_id, m.ifname);
}
template <class Codec>
void Fields(Codec& c, Request& m) {
  c(m.version, m.verb, m.attachment, m.pod_namespace, m.pod_name, m.pod_uid, m.addresses,
    m.valid_attachments);
}
template <class Codec>
void Fields(Codec& c, Answer& m) {
  c(m.version, m.code, m.message);
}

}  // namespace trivet::policy
