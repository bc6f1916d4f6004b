#include <fmt/format.h>

#include "cri-runtime/service/metric.h"

// The writable layer, and traffic with block devices.
namespace trivet::cri::metric {
namespace {

std::string DeviceName(const DeviceIo& io) {
  return fmt::format("{}:{}", io.major, io.minor);
}

std::vector<Point> PerDevice(const Sample& s, uint64_t DeviceIo::* member) {
  std::vector<Point> points;
  for (const DeviceIo& io : s.details.io) {
    points.push_back({.labels = {DeviceName(io)}, .value = io.*member});
  }
  return points;
}

std::vector<Point> DeviceUsage(const Sample& s) {
  std::vector<Point> points;
  for (const DeviceIo& io : s.details.io) {
    const std::string major = std::to_string(io.major);
    const std::string minor = std::to_string(io.minor);
    points.push_back({.labels = {DeviceName(io), major, minor, "Read"}, .value = io.read_bytes});
    points.push_back(
        {.labels = {DeviceName(io), major, minor, "Write"}, .value = io.written_bytes});
  }
  return points;
}

// The device of the metrics about the layer: there is one file system for all layers.
std::vector<Point> OfLayer(std::optional<uint64_t> value) {
  if (!value) return {};
  return {{.labels = {"overlay"}, .value = *value}};
}

const std::vector<Metric> kDisk{
    {.name = "container_fs_usage_bytes",
     .help = "Size of the writable layer, in bytes.",
     .labels = {"device"},
     .points =
         [](const Sample& s) {
           const auto& layer = s.container->layer;
           return OfLayer(layer ? std::optional(layer->usage.used_bytes) : std::nullopt);
         }},
    {.name = "container_fs_limit_bytes",
     .help = "Size of the file system that the writable layer is on, in bytes.",
     .labels = {"device"},
     .points = [](const Sample& s) { return OfLayer(s.file_system.bytes); }},
    {.name = "container_fs_inodes_total",
     .help = "Inodes of the file system that the writable layer is on.",
     .labels = {"device"},
     .points = [](const Sample& s) { return OfLayer(s.file_system.inodes); }},
    {.name = "container_fs_inodes_free",
     .help = "Free inodes of the file system that the writable layer is on.",
     .labels = {"device"},
     .points = [](const Sample& s) { return OfLayer(s.file_system.free_inodes); }},
    {.name = "container_fs_reads_bytes_total",
     .help = "Bytes read from the device.",
     .kind = Kind::kCounter,
     .labels = {"device"},
     .points = [](const Sample& s) { return PerDevice(s, &DeviceIo::read_bytes); }},
    {.name = "container_fs_reads_total",
     .help = "Reads from the device.",
     .kind = Kind::kCounter,
     .labels = {"device"},
     .points = [](const Sample& s) { return PerDevice(s, &DeviceIo::reads); }},
    {.name = "container_fs_writes_bytes_total",
     .help = "Bytes written to the device.",
     .kind = Kind::kCounter,
     .labels = {"device"},
     .points = [](const Sample& s) { return PerDevice(s, &DeviceIo::written_bytes); }},
    {.name = "container_fs_writes_total",
     .help = "Writes to the device.",
     .kind = Kind::kCounter,
     .labels = {"device"},
     .points = [](const Sample& s) { return PerDevice(s, &DeviceIo::writes); }},
    {.name = "container_blkio_device_usage_total",
     .help = "Bytes read from and written to the device.",
     .kind = Kind::kCounter,
     .labels = {"device", "major", "minor", "operation"},
     .points = DeviceUsage},
};

}  // namespace

std::span<const Metric> DiskMetrics() {
  return kDisk;
}

}  // namespace trivet::cri::metric
