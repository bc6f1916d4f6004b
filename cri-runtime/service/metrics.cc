#include "cri-runtime/service/metrics.h"

#include "cri-runtime/service/metric.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using metric::Metric;
using metric::Scope;

using Labels = std::vector<std::string>;

Labels LabelsOf(const sandbox::Record& pod) {
  const sandbox::Metadata& metadata = pod.config.metadata;
  return {"", pod.cgroup, "", pod.id, metadata.namespace_name, metadata.name};
}

Labels LabelsOf(const sandbox::Record& pod, const container::Record& container) {
  const sandbox::Metadata& metadata = pod.config.metadata;
  return {container.config.name, container.cgroup,        container.config.image,
          container.id,          metadata.namespace_name, metadata.name};
}

v1::MetricType TypeOf(metric::Kind kind) {
  return kind == metric::Kind::kCounter ? v1::COUNTER : v1::GAUGE;
}

template <class Message>
void FillPoints(const metric::Sample& sample, const Labels& common, Message& to) {
  for (const Metric* metric : metric::AllMetrics()) {
    const Scope other = sample.container == nullptr ? Scope::kContainer : Scope::kPod;
    if (metric->scope == other) continue;
    for (const metric::Point& point : metric->points(sample)) {
      v1::Metric& message = *to.add_metrics();
      message.set_name(std::string(metric->name));
      message.set_timestamp(sample.at_ns);
      message.set_metric_type(TypeOf(metric->kind));
      for (const std::string& label : common) message.add_label_values(label);
      for (const std::string& label : point.labels) message.add_label_values(label);
      message.mutable_value()->set_value(point.value);
    }
  }
}

}  // namespace

Labels CommonMetricLabels() {
  return {"container", "id", "image", "name", "namespace", "pod"};
}

void FillMetricDescriptors(v1::ListMetricDescriptorsResponse& to) {
  for (const Metric* metric : metric::AllMetrics()) {
    v1::MetricDescriptor& message = *to.add_descriptors();
    message.set_name(std::string(metric->name));
    message.set_help(std::string(metric->help));
    for (const std::string& label : CommonMetricLabels()) message.add_label_keys(label);
    for (const std::string& label : metric->labels) message.add_label_keys(label);
  }
}

void FillPodMetrics(const stats::PodSample& from, const stats::Meter& meter,
                    v1::PodSandboxMetrics& to) {
  const sandbox::Record& pod = *from.sandbox->record;
  to.set_pod_sandbox_id(pod.id);
  const auto details = meter.Details(pod.cgroup);
  if (!details) return;  // it went away meanwhile
  FillPoints({.cgroup = from.cgroup,
              .details = *details,
              .processes = meter.Processes(pod.cgroup),
              .at_ns = from.at_ns,
              .container = nullptr,
              .file_system = {},
              .interfaces = from.interfaces},
             LabelsOf(pod), to);
  const stats::FileSystemSize file_system = meter.LayerFileSystem();
  for (const stats::ContainerSample& sample : from.containers) {
    const container::Record& record = *sample.container->record;
    const auto own = meter.Details(record.cgroup);
    if (!own) continue;
    v1::ContainerMetrics& message = *to.add_container_metrics();
    message.set_container_id(record.id);
    FillPoints({.cgroup = sample.cgroup,
                .details = *own,
                .processes = meter.Processes(record.cgroup),
                .at_ns = sample.at_ns,
                .container = &sample,
                .file_system = file_system,
                .interfaces = {}},
               LabelsOf(pod, record), message);
  }
}

}  // namespace trivet::cri
