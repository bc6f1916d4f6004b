#include "cri-runtime/service/metrics.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "cri-runtime/service/metric.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using ::testing::IsEmpty;
using ::testing::Not;

// Everything known: a v2 node with every controller and PSI.
class MetricTest : public ::testing::Test {
 protected:
  MetricTest() {
    cgroup_.cpu_usage_ns = 7'900'000'000;
    cgroup_.cpu_pressure = cgroup_.memory_pressure = cgroup_.io_pressure = Pressure{};
    details_.memory_kernel_bytes = details_.memory_max_usage_bytes = 1;
    details_.io = {{.major = 8, .minor = 0, .read_bytes = 5}};
    details_.hugepages = {{.page_size = "2MB", .usage_bytes = 1, .max_usage_bytes = 2}};
    auto container = std::make_shared<state::Container>();
    container->record = std::make_shared<const container::Record>();
    container->state.resources.cpu_quota_us = 20000;
    sample_.container = container;
    sample_.layer.emplace();
  }
  [[nodiscard]] metric::Sample Container() const {
    return {.cgroup = cgroup_,
            .details = details_,
            .processes = {},
            .at_ns = 0,
            .container = &sample_,
            .file_system = {},
            .interfaces = {}};
  }
  [[nodiscard]] metric::Sample Pod() const {
    auto sample = Container();
    sample.container = nullptr;
    sample.interfaces = interfaces_;
    return sample;
  }
  static const metric::Metric& Find(std::string_view name) {
    for (const metric::Metric* metric : metric::AllMetrics()) {
      if (metric->name == name) return *metric;
    }
    throw std::out_of_range(std::string(name));
  }

  CgroupStats cgroup_;
  CgroupDetails details_;
  stats::ContainerSample sample_;
  std::vector<stats::InterfaceUsage> interfaces_{{.name = "eth0", .received_bytes = 42}};
};

TEST_F(MetricTest, ThereAreFiftySixWithNamesOfTheirOwnAndWords) {
  v1::ListMetricDescriptorsResponse response;
  FillMetricDescriptors(response);
  std::set<std::string> names;
  for (const auto& descriptor : response.descriptors()) {
    names.insert(descriptor.name());
    EXPECT_THAT(descriptor.help(), Not(IsEmpty()));
    EXPECT_EQ(descriptor.label_keys(5), "pod");
  }
  EXPECT_EQ(names.size(), 56u);
}

TEST_F(MetricTest, EachIsEmittedWithAValueForEachOfItsLabels) {
  for (const metric::Metric* metric : metric::AllMetrics()) {
    const auto points = metric->points(metric->scope == metric::Scope::kPod ? Pod() : Container());
    EXPECT_THAT(points, Not(IsEmpty())) << metric->name;
    for (const auto& point : points) {
      EXPECT_EQ(point.labels.size(), metric->labels.size()) << metric->name;
    }
  }
}

TEST_F(MetricTest, APodsOwnNeedNoContainer) {
  for (const metric::Metric* metric : metric::AllMetrics()) {
    if (metric->scope != metric::Scope::kContainer) {
      EXPECT_THAT(metric->points(Pod()), Not(IsEmpty())) << metric->name;
    }
  }
}

TEST_F(MetricTest, SecondsAreWhole) {
  EXPECT_EQ(Find("container_cpu_usage_seconds_total").points(Container())[0].value, 7u);
}

TEST_F(MetricTest, InterfacesAndDevicesAreLabels) {
  const auto network = Find("container_network_receive_bytes_total").points(Pod());
  ASSERT_EQ(network.size(), 1u);
  EXPECT_EQ(network[0].labels[0], "eth0");
  EXPECT_EQ(network[0].value, 42u);
  const auto disk = Find("container_blkio_device_usage_total").points(Container());
  ASSERT_EQ(disk.size(), 2u);
  EXPECT_THAT(disk[0].labels, ::testing::ElementsAre("8:0", "8", "0", "Read"));
  EXPECT_EQ(disk[0].value, 5u);
}

TEST_F(MetricTest, WhatTheKernelDoesNotKnowIsLeftOut) {
  cgroup_.cpu_pressure.reset();
  details_.memory_kernel_bytes.reset();
  EXPECT_THAT(Find("container_pressure_cpu_waiting_seconds_total").points(Container()), IsEmpty());
  EXPECT_THAT(Find("container_memory_kernel_usage").points(Container()), IsEmpty());
}

}  // namespace
}  // namespace trivet::cri
