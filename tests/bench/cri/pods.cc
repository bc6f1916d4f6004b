#include "tests/bench/cri/pods.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "common/linux/file.h"

namespace trivet::bench {
namespace {

namespace v1 = ::runtime::v1;

Result<> MakeFiles(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder));
  RETURN_IF_ERROR(WriteFileVolatile(folder / "hosts", "127.0.0.1 localhost\n"));
  return WriteFileVolatile(folder / "termination-log", "");
}

// Each a connection of its own: on a shared one, any of the threads that wait for an answer reads
// those of all.
std::shared_ptr<grpc::Channel> Connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Pods::Pods(const std::string& socket, Workload workload)
    : workload_(std::move(workload)), lists_(Connect(socket)) {
  const auto channel = Connect(socket);
  runtime_ = v1::RuntimeService::NewStub(channel);
  images_ = v1::ImageService::NewStub(channel);
}

template <class Call>
Result<> Pods::Timed(const std::string& name, Call call) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
  const auto start = Samples::Clock::now();
  const grpc::Status status = call(&context);
  const auto taken = Samples::Clock::now() - start;
  if (!status.ok()) return Fail(Code::kInternal, "{}: {}", name, status.error_message());
  Add(name, taken);
  return {};
}

Result<> Pods::Pull(const std::string& image) {
  v1::PullImageRequest pull;
  pull.mutable_image()->set_image(image);
  v1::PullImageResponse pulled;
  return Timed("PullImage",
               [&](auto* context) { return images_->PullImage(context, pull, &pulled); });
}

Result<Pod> Pods::Start() {
  Pod pod;
  {
    const std::scoped_lock lock(mutex_);
    pod.name = fmt::format("bench-{}-{}", ::getpid(), ++started_);
  }
  RETURN_IF_ERROR(MakeFiles(workload_.logs / pod.name));
  v1::RunPodSandboxRequest run;
  *run.mutable_config() = PodConfig(workload_, pod.name);
  run.set_runtime_handler(workload_.handler);
  v1::CreateContainerRequest create;
  *create.mutable_sandbox_config() = run.config();
  *create.mutable_config() = ContainerConfig(workload_, pod.name);

  const auto begin = Samples::Clock::now();
  v1::RunPodSandboxResponse sandbox;
  RETURN_IF_ERROR(Timed("RunPodSandbox", [&](auto* context) {
    return runtime_->RunPodSandbox(context, run, &sandbox);
  }));
  create.set_pod_sandbox_id(sandbox.pod_sandbox_id());
  v1::CreateContainerResponse container;
  RETURN_IF_ERROR(Timed("CreateContainer", [&](auto* context) {
    return runtime_->CreateContainer(context, create, &container);
  }));
  v1::StartContainerRequest start;
  start.set_container_id(container.container_id());
  v1::StartContainerResponse started;
  RETURN_IF_ERROR(Timed("StartContainer", [&](auto* context) {
    return runtime_->StartContainer(context, start, &started);
  }));
  pod.sandbox = sandbox.pod_sandbox_id();
  pod.container = container.container_id();
  const std::scoped_lock lock(mutex_);
  samples_.Add("ready", Samples::Clock::now() - begin);
  return pod;
}

Result<> Pods::End(const Pod& pod) {
  const auto begin = Samples::Clock::now();
  v1::StopContainerRequest stop;
  stop.set_container_id(pod.container);
  stop.set_timeout(10);
  v1::StopContainerResponse stopped;
  RETURN_IF_ERROR(Timed("StopContainer", [&](auto* context) {
    return runtime_->StopContainer(context, stop, &stopped);
  }));
  v1::RemoveContainerRequest remove;
  remove.set_container_id(pod.container);
  v1::RemoveContainerResponse removed;
  RETURN_IF_ERROR(Timed("RemoveContainer", [&](auto* context) {
    return runtime_->RemoveContainer(context, remove, &removed);
  }));
  v1::StopPodSandboxRequest stop_pod;
  stop_pod.set_pod_sandbox_id(pod.sandbox);
  v1::StopPodSandboxResponse stopped_pod;
  RETURN_IF_ERROR(Timed("StopPodSandbox", [&](auto* context) {
    return runtime_->StopPodSandbox(context, stop_pod, &stopped_pod);
  }));
  v1::RemovePodSandboxRequest remove_pod;
  remove_pod.set_pod_sandbox_id(pod.sandbox);
  v1::RemovePodSandboxResponse removed_pod;
  RETURN_IF_ERROR(Timed("RemovePodSandbox", [&](auto* context) {
    return runtime_->RemovePodSandbox(context, remove_pod, &removed_pod);
  }));
  const std::scoped_lock lock(mutex_);
  samples_.Add("gone", Samples::Clock::now() - begin);
  return {};
}

Result<> Pods::Exec(const Pod& pod) {
  v1::ExecSyncRequest exec;
  exec.set_container_id(pod.container);
  exec.add_cmd("/bin/true");
  exec.set_timeout(10);
  v1::ExecSyncResponse done;
  RETURN_IF_ERROR(
      Timed("ExecSync", [&](auto* context) { return runtime_->ExecSync(context, exec, &done); }));
  if (done.exit_code() == 0) return {};
  return Fail(Code::kInternal, "ExecSync: /bin/true ended with {}", done.exit_code());
}

// Decoded when the time is taken.
template <class Answer, class Request>
Result<Answer> Pods::TimedAnswer(const std::string& method, const Request& request) {
  const std::string asked = request.SerializeAsString();
  grpc::ByteBuffer bytes;
  RETURN_IF_ERROR(
      Timed(method, [&](auto* context) { return lists_.Call(context, method, asked, bytes); }));
  Answer answer;
  const grpc::Status decoded = grpc::SerializationTraits<Answer>::Deserialize(&bytes, &answer);
  if (!decoded.ok()) return Fail(Code::kInternal, "{}: {}", method, decoded.error_message());
  return answer;
}

Result<> Pods::List(bool stats, int at_least) {
  RETURN_IF_ERROR(TimedAnswer<v1::VersionResponse>("Version", v1::VersionRequest()));
  ASSIGN_OR_RETURN(const auto pods, TimedAnswer<v1::ListPodSandboxResponse>(
                                        "ListPodSandbox", v1::ListPodSandboxRequest()));
  ASSIGN_OR_RETURN(const auto containers, TimedAnswer<v1::ListContainersResponse>(
                                              "ListContainers", v1::ListContainersRequest()));
  if (std::min(pods.items_size(), containers.containers_size()) < at_least) {
    return Fail(Code::kInternal, "lists have {} pods and {} containers, not {}", pods.items_size(),
                containers.containers_size(), at_least);
  }
  if (at_least > 0) RETURN_IF_ERROR(Statuses(containers.containers(0)));
  return stats ? Stats(at_least) : Result<>();
}

Result<> Pods::Statuses(const v1::Container& container) {
  v1::PodSandboxStatusRequest pod;
  pod.set_pod_sandbox_id(container.pod_sandbox_id());
  RETURN_IF_ERROR(TimedAnswer<v1::PodSandboxStatusResponse>("PodSandboxStatus", pod));
  v1::ContainerStatusRequest one;
  one.set_container_id(container.id());
  RETURN_IF_ERROR(TimedAnswer<v1::ContainerStatusResponse>("ContainerStatus", one));
  return {};
}

Result<> Pods::Stats(int at_least) {
  ASSIGN_OR_RETURN(const auto containers,
                   TimedAnswer<v1::ListContainerStatsResponse>("ListContainerStats",
                                                               v1::ListContainerStatsRequest()));
  ASSIGN_OR_RETURN(const auto pods, TimedAnswer<v1::ListPodSandboxStatsResponse>(
                                        "ListPodSandboxStats", v1::ListPodSandboxStatsRequest()));
  if (std::min(containers.stats_size(), pods.stats_size()) >= at_least) return {};
  return Fail(Code::kInternal, "stats have {} pods and {} containers, not {}", pods.stats_size(),
              containers.stats_size(), at_least);
}

void Pods::Add(const std::string& name, Samples::Clock::duration taken) {
  const std::scoped_lock lock(mutex_);
  samples_.Add(name, taken);
}

Samples Pods::TakeSamples() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(samples_, {});
}

}  // namespace trivet::bench
