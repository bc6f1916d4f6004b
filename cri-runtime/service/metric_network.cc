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

Metric InterfaceCounter(std::string_view name, std::string_view help,
                        std::vector<Point> (*points)(const Sample&)) {
  return {.name = name,
          .help = help,
          .kind = Kind::kCounter,
          .scope = Scope::kPod,
          .labels = {"interface"},
          .points = points};
}

template <uint64_t InterfaceUsage::* kMember>
std::vector<Point> InterfacePoints(const Sample& s) {
  return PerInterface(s, kMember);
}

const std::vector<Metric> kNetwork{
    InterfaceCounter("container_network_receive_bytes_total", "Bytes received.",
                     InterfacePoints<&InterfaceUsage::received_bytes>),
    InterfaceCounter("container_network_receive_packets_total", "Packets received.",
                     InterfacePoints<&InterfaceUsage::received_packets>),
    InterfaceCounter("container_network_receive_packets_dropped_total",
                     "Received packets that were dropped.",
                     InterfacePoints<&InterfaceUsage::receive_drops>),
    InterfaceCounter("container_network_receive_errors_total", "Errors while receiving.",
                     InterfacePoints<&InterfaceUsage::receive_errors>),
    InterfaceCounter("container_network_transmit_bytes_total", "Bytes sent.",
                     InterfacePoints<&InterfaceUsage::sent_bytes>),
    InterfaceCounter("container_network_transmit_packets_total", "Packets sent.",
                     InterfacePoints<&InterfaceUsage::sent_packets>),
    InterfaceCounter("container_network_transmit_packets_dropped_total",
                     "Packets that were dropped instead of sent.",
                     InterfacePoints<&InterfaceUsage::send_drops>),
    InterfaceCounter("container_network_transmit_errors_total", "Errors while sending.",
                     InterfacePoints<&InterfaceUsage::send_errors>),
};

}  // namespace

std::span<const Metric> NetworkMetrics() {
  return kNetwork;
}

}  // namespace trivet::cri::metric
