#include <set>
#include <thread>

#include "common/linux/cgroup.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

class StatsTest : public CriTest {
 protected:
  std::string StartSleeper(const std::string& pod) {
    return MustStart(pod, ShellConfig("main", "while :; do sleep 1000; done"));
  }
  v1::ContainerStats StatsOf(const std::string& id) {
    v1::ContainerStatsRequest request;
    request.set_container_id(id);
    v1::ContainerStatsResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().ContainerStats(&context, request, &response), IsRpcOk());
    return response.stats();
  }
  v1::PodSandboxStats PodStatsOf(const std::string& id) {
    v1::PodSandboxStatsRequest request;
    request.set_pod_sandbox_id(id);
    v1::PodSandboxStatsResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().PodSandboxStats(&context, request, &response), IsRpcOk());
    return response.stats();
  }
  template <class Answer, class Stream>
  static std::vector<Answer> ReadAll(Stream stream) {
    std::vector<Answer> answers;
    for (Answer answer; stream->Read(&answer);) answers.push_back(answer);
    EXPECT_THAT(stream->Finish(), IsRpcOk());
    return answers;
  }
};

TEST_F(StatsTest, AContainersWritableLayerIsMeasured) {
  const std::string id = StartSleeper(MustRunPod("pod"));
  MustExec(id, "head -c 300000 /dev/zero >/big");
  v1::FilesystemUsage layer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (layer.used_bytes().value() < 300000 && std::chrono::steady_clock::now() < deadline) {
    layer = StatsOf(id).writable_layer();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // measured in the background
  }
  EXPECT_GE(layer.used_bytes().value(), 300000u);
  EXPECT_GE(layer.inodes_used().value(), 2u);
  EXPECT_GT(layer.timestamp(), 0);
  EXPECT_EQ(layer.fs_id().mountpoint(), (folders_.state / "upper").native());
}

TEST_F(StatsTest, APodHasItsCgroupItsNetworkItsProcessesAndItsContainers) {
  UseRealNetwork();
  const std::string pod = MustRunPod("pod");
  const std::string id = StartSleeper(pod);
  MustExec(id, "ping -c 1 -W 1 10.9.0.1 || true");
  const v1::PodSandboxStats stats = PodStatsOf(pod);
  EXPECT_EQ(stats.attributes().metadata().name(), "pod");
  EXPECT_GT(stats.linux().cpu().usage_core_nano_seconds().value(), 0u);
  EXPECT_GT(stats.linux().memory().working_set_bytes().value(), 0u);
  EXPECT_EQ(stats.linux().network().default_interface().name(), "eth0");
  EXPECT_GT(stats.linux().network().default_interface().tx_bytes().value(), 0u);
  EXPECT_GE(stats.linux().process().process_count().value(), 3u);  // reaper, shell, sleep
  ASSERT_EQ(stats.linux().containers_size(), 1);
  EXPECT_EQ(stats.linux().containers(0).attributes().id(), id);
}

TEST_F(StatsTest, APodInTheNodesNetworkHasNoneOfItsOwn) {
  v1::PodSandboxConfig config = PodConfig("host");
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      v1::NODE);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_FALSE(PodStatsOf(pod).linux().has_network());
}

TEST_F(StatsTest, ListsOfPodsLeaveOutStoppedOnesAndFollowTheFilter) {
  const std::string stopped = MustRunPod("stopped");
  ASSERT_THAT(StopPod(stopped), IsRpcOk());
  v1::PodSandboxConfig labelled = PodConfig("labelled");
  (*labelled.mutable_labels())["app"] = "web";
  std::string web;
  ASSERT_THAT(RunPod(labelled, &web), IsRpcOk());
  const std::string other = MustRunPod("other");

  const auto list = [&](const v1::ListPodSandboxStatsRequest& request) {
    v1::ListPodSandboxStatsResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().ListPodSandboxStats(&context, request, &response), IsRpcOk());
    std::set<std::string> ids;
    for (const auto& stats : response.stats()) ids.insert(stats.attributes().id());
    return ids;
  };
  EXPECT_EQ(list({}), (std::set{web, other}));
  v1::ListPodSandboxStatsRequest filtered;
  (*filtered.mutable_filter()->mutable_label_selector())["app"] = "web";
  EXPECT_EQ(list(filtered), std::set{web});
}

TEST_F(StatsTest, UnknownOnesAreNotFound) {
  v1::PodSandboxStatsRequest request;
  request.set_pod_sandbox_id("nobody");
  v1::PodSandboxStatsResponse response;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().PodSandboxStats(&context, request, &response),
              RpcFailsWith(grpc::NOT_FOUND, "nobody"));
}

TEST_F(StatsTest, StreamsHaveWhatTheListsHave) {
  const std::string pod = MustRunPod("pod");
  const std::string id = StartSleeper(pod);
  grpc::ClientContext contexts[4];
  const auto pods = ReadAll<v1::StreamPodSandboxesResponse>(
      daemon_->runtime().StreamPodSandboxes(&contexts[0], {}));
  ASSERT_EQ(pods.size(), 1u);
  EXPECT_EQ(pods[0].pod_sandboxes(0).id(), pod);
  const auto containers =
      ReadAll<v1::StreamContainersResponse>(daemon_->runtime().StreamContainers(&contexts[1], {}));
  ASSERT_EQ(containers.size(), 1u);
  EXPECT_EQ(containers[0].containers(0).id(), id);
  const auto stats = ReadAll<v1::StreamContainerStatsResponse>(
      daemon_->runtime().StreamContainerStats(&contexts[2], {}));
  ASSERT_EQ(stats.size(), 1u);
  EXPECT_EQ(stats[0].container_stats(0).attributes().id(), id);
  const auto pod_stats = ReadAll<v1::StreamPodSandboxStatsResponse>(
      daemon_->runtime().StreamPodSandboxStats(&contexts[3], {}));
  ASSERT_EQ(pod_stats.size(), 1u);
  EXPECT_EQ(pod_stats[0].pod_sandbox_stats(0).attributes().id(), pod);
}

TEST_F(StatsTest, AStreamOfNothingHasNoMessage) {
  grpc::ClientContext context;
  EXPECT_THAT(
      ReadAll<v1::StreamContainersResponse>(daemon_->runtime().StreamContainers(&context, {})),
      IsEmpty());
}

// What a node cannot know: see the metrics' own files.
bool MayBeAbsent(const std::string& name) {
  for (const std::string part : {"pressure", "hugetlb", "blkio", "fs_reads", "fs_writes"}) {
    if (name.starts_with("container_" + part)) return true;
  }
  return false;
}

TEST_F(StatsTest, EveryDeclaredMetricIsEmittedWithItsLabels) {
  UseRealNetwork();
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("main", "while :; do sleep 1000; done");
  auto* resources = config.mutable_linux()->mutable_resources();
  resources->set_cpu_period(100000);
  resources->set_cpu_quota(20000);
  resources->set_memory_limit_in_bytes(64 << 20);
  MustStart(pod, config);

  v1::ListMetricDescriptorsResponse descriptors;
  v1::ListPodSandboxMetricsResponse metrics;
  grpc::ClientContext contexts[2];
  ASSERT_THAT(daemon_->runtime().ListMetricDescriptors(&contexts[0], {}, &descriptors), IsRpcOk());
  ASSERT_THAT(daemon_->runtime().ListPodSandboxMetrics(&contexts[1], {}, &metrics), IsRpcOk());
  ASSERT_EQ(metrics.pod_metrics_size(), 1);
  std::map<std::string, v1::Metric> emitted;
  for (const auto& metric : metrics.pod_metrics(0).metrics()) emitted[metric.name()] = metric;
  for (const auto& container : metrics.pod_metrics(0).container_metrics()) {
    for (const auto& metric : container.metrics()) emitted[metric.name()] = metric;
  }
  EXPECT_EQ(descriptors.descriptors_size(), 56);
  for (const auto& descriptor : descriptors.descriptors()) {
    const auto found = emitted.find(descriptor.name());
    if (found == emitted.end()) {
      EXPECT_TRUE(MayBeAbsent(descriptor.name())) << descriptor.name();
    } else {
      EXPECT_EQ(found->second.label_values_size(), descriptor.label_keys_size())
          << descriptor.name();
    }
  }
  EXPECT_EQ(emitted["container_spec_memory_limit_bytes"].value().value(), 64u << 20);
  EXPECT_EQ(emitted["container_spec_cpu_quota"].value().value(), 20000u);
}

TEST_F(StatsTest, EventsTellAContainersLife) {
  grpc::ClientContext context;
  const auto stream = daemon_->runtime().GetContainerEvents(&context, {});
  stream->WaitForInitialMetadata();
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, ShellConfig("main", "exit 3"));
  AwaitEnd(id);
  ASSERT_THAT(Remove(id), IsRpcOk());
  std::vector<v1::ContainerEventType> types;
  v1::ContainerEventResponse event;
  while (types.size() < 4 && stream->Read(&event)) {
    if (event.container_id() != id) continue;
    types.push_back(event.container_event_type());
    EXPECT_EQ(event.pod_sandbox_status().id(), pod);
    if (event.container_event_type() != v1::CONTAINER_STOPPED_EVENT) continue;
    ASSERT_EQ(event.containers_statuses_size(), 1);
    EXPECT_EQ(event.containers_statuses(0).exit_code(), 3);
  }
  EXPECT_THAT(types,
              ::testing::ElementsAre(v1::CONTAINER_CREATED_EVENT, v1::CONTAINER_STARTED_EVENT,
                                     v1::CONTAINER_STOPPED_EVENT, v1::CONTAINER_DELETED_EVENT));
  context.TryCancel();
}

TEST_F(StatsTest, StoppingTheDaemonWaitsForNoListenerAndNoIdleClient) {
  const std::string pod = MustRunPod("pod");
  ASSERT_THAT(RemovePod(pod), IsRpcOk());
  grpc::ClientContext idle;  // keeps its connection
  v1::VersionResponse version;
  ASSERT_THAT(daemon_->runtime().Version(&idle, {}, &version), IsRpcOk());
  grpc::ClientContext context;
  const auto stream = daemon_->runtime().GetContainerEvents(&context, {});
  stream->WaitForInitialMetadata();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  v1::ContainerEventResponse event;
  EXPECT_FALSE(stream->Read(&event));
  EXPECT_EQ(stream->Finish().error_code(), grpc::UNAVAILABLE);
  StartDaemon();
}

TEST_F(StatsTest, APodOfOursIsResized) {
  const std::string pod = MustRunPod("pod");
  v1::UpdatePodSandboxResourcesRequest request;
  request.set_pod_sandbox_id(pod);
  request.mutable_resources()->set_memory_limit_in_bytes(256 << 20);
  v1::UpdatePodSandboxResourcesResponse response;
  grpc::ClientContext contexts[2];
  EXPECT_THAT(daemon_->runtime().UpdatePodSandboxResources(&contexts[0], request, &response),
              IsRpcOk());
  const auto details = (*Cgroups::Open())->ReadDetails(folders_.cgroup_parent + "/" + pod);
  ASSERT_TRUE(details.has_value());
  EXPECT_EQ(details->memory_limit_bytes, 256u << 20);
  request.set_pod_sandbox_id("nobody");
  EXPECT_THAT(daemon_->runtime().UpdatePodSandboxResources(&contexts[1], request, &response),
              RpcFailsWith(grpc::NOT_FOUND, "nobody"));
}

}  // namespace
}  // namespace trivet::testing
