#include "cri-runtime/service/metric.h"

// The pod's interfaces.
namespace trivet::cri::metric {
namespace {

using stats::InterfaceUsage;

std::vector<Point> PerInterface(const Sample& s, uint64_t InterfaceUsage::* member) {
  std::vector<Point> points;
  for (const InterfaceUsage& usage : s.interfaces) {
    points.push_back({.labels = {usage.name}, .value = usage.*member});
  }
  return points;
}

Metric Make(std::string_view name, std::string_view help,
            std::vector<Point> (*points)(const Sample&)) {
  return {.name = name,
          .help = help,
          .kind = Kind::kCounter,
          .scope = Scope::kPod,
          .labels = {"interface"},
          .points = points};
}

template <uint64_t InterfaceUsage::* kMember>
std::vector<Point> Points(const Sample& s) {
  return PerInterface(s, kMember);
}

const std::vector<Metric> kNetwork{
    Make("container_network_receive_bytes_total", "Bytes received.",
         Points<&InterfaceUsage::received_bytes>),
    Make("container_network_receive_packets_total", "Packets received.",
         Points<&InterfaceUsage::received_packets>),
    Make("container_network_receive_packets_dropped_total", "Received packets that were dropped.",
         Points<&InterfaceUsage::receive_drops>),
    Make("container_network_receive_errors_total", "Errors while receiving.",
         Points<&InterfaceUsage::receive_errors>),
    Make("container_network_transmit_bytes_total", "Bytes sent.",
         Points<&InterfaceUsage::sent_bytes>),
    Make("container_network_transmit_packets_total", "Packets sent.",
         Points<&InterfaceUsage::sent_packets>),
    Make("container_network_transmit_packets_dropped_total",
         "Packets that were dropped instead of sent.", Points<&InterfaceUsage::send_drops>),
    Make("container_network_transmit_errors_total", "Errors while sending.",
         Points<&InterfaceUsage::send_errors>),
};

}  // namespace

std::span<const Metric> NetworkMetrics() {
  return kNetwork;
}

}  // namespace trivet::cri::metric
