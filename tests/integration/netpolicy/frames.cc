#include "tests/integration/netpolicy/frames.h"

#include <netinet/in.h>

namespace trivet::netpolicy {
namespace {

std::string Big16(size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}

// RFC 1071.
std::string ChecksumOf(std::string bytes) {
  if (bytes.size() % 2 != 0) bytes += '\0';
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(static_cast<unsigned char>(bytes[i]) << 8 |
                                 static_cast<unsigned char>(bytes[i + 1]));
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return Big16(~sum & 0xffff);
}

// The header of IPv4 or IPv6, as the addresses are.
std::string PacketOf(uint8_t protocol, const Forged& packet, const std::string& rest) {
  const std::string addresses = packet.source.bytes + packet.destination.bytes;
  const auto number = static_cast<char>(protocol);
  if (packet.source.is_ipv6()) {
    const char hops = '\xff';
    return std::string("\x60\0\0\0", 4) + Big16(rest.size()) + number + hops + addresses + rest;
  }
  std::string header("\x45\0", 2);
  header += Big16(20 + rest.size()) + std::string("\0\x01\0\0\x40", 5) + number;
  return header + ChecksumOf(header + addresses) + addresses + rest;
}

// With the checksum at that place of `message`, over the header that IPv6 has for it (RFC 8200,
// 8.1), and IPv4 in a shorter form.
std::string WithChecksum(uint8_t protocol, const Forged& packet, std::string message, size_t at) {
  const std::string pseudo =
      packet.source.bytes + packet.destination.bytes + Big16(message.size()) + Big16(protocol);
  return message.replace(at, 2, ChecksumOf(pseudo + message));
}

std::string MacOfPod(const TestPod& pod) {
  return "\x0a\x58" + pod.ipv4.bytes;
}

std::string TypeOfPacket(const Forged& packet) {
  return packet.source.is_ipv6() ? "\x86\xdd" : std::string("\x08\0", 2);
}

}  // namespace

std::string DatagramFrame(const TestPod& from, const TestPod& to, const Forged& packet,
                          const std::string& tags) {
  std::string udp("\x12\x34\0\x35", 4);
  udp += Big16(8 + packet.payload.size()) + std::string(2, '\0') + packet.payload;
  return MacOfPod(to) + MacOfPod(from) + tags + TypeOfPacket(packet) +
         PacketOf(IPPROTO_UDP, packet, WithChecksum(IPPROTO_UDP, packet, udp, 6));
}

std::string Icmp6Frame(const TestPod& from, const TestPod& to, const Forged& packet) {
  const std::string message = WithChecksum(IPPROTO_ICMPV6, packet, packet.payload, 2);
  return MacOfPod(to) + MacOfPod(from) + TypeOfPacket(packet) +
         PacketOf(IPPROTO_ICMPV6, packet, message);
}

std::string ArpFrame(const TestPod& from, const TestPod& to, const Forged& packet) {
  const std::string header("\x08\x06\0\x01\x08\0\x06\x04\0\x02", 10);
  return MacOfPod(to) + MacOfPod(from) + header + MacOfPod(from) + packet.source.bytes +
         MacOfPod(to) + packet.destination.bytes + packet.payload;
}

}  // namespace trivet::netpolicy
