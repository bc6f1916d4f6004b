#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "proto/cri/api.grpc.pb.h"
#include "tests/bench/cri/raw_calls.h"
#include "tests/bench/cri/requests.h"
#include "tests/bench/shim/samples.h"

namespace trivet::bench {

struct Pod {
  std::string name;
  std::string sandbox;
  std::string container;
};

/// Pods of one runtime, by the calls a kubelet makes; every call is timed under its own name. Any
/// thread.
class Pods {
 public:
  Pods(const std::string& socket, Workload workload);

  /// PullImage; trivet-cri also takes "oci:FOLDER".
  Result<> Pull(const std::string& image);
  /// RunPodSandbox, CreateContainer, StartContainer; their sum is "ready".
  Result<Pod> Start();
  /// Stops and removes the container, then the sandbox; the sum is "gone".
  Result<> End(const Pod& pod);
  /// ExecSync of /bin/true.
  Result<> Exec(const Pod& pod);
  /// Version, ListPodSandbox, ListContainers, the statuses of a container and its pod, and with
  /// `stats` both lists of stats. Errors: also when one lists less than `at_least` pods. One thread
  /// at a time.
  Result<> List(bool stats, int at_least);

  /// Adds what somebody else has timed meanwhile.
  void Add(const std::string& name, Samples::Clock::duration taken);

  /// What was timed since the last call.
  Samples TakeSamples();

 private:
  template <class Call>
  Result<> Timed(const std::string& name, Call call);
  template <class Answer, class Request>
  Result<Answer> TimedAnswer(const std::string& method, const Request& request);
  Result<> Statuses(const ::runtime::v1::Container& container);
  Result<> Stats(int at_least);

  const Workload workload_;
  std::unique_ptr<::runtime::v1::RuntimeService::Stub> runtime_;
  RawCalls lists_;
  std::unique_ptr<::runtime::v1::ImageService::Stub> images_;
  std::mutex mutex_;
  Samples samples_;
  int started_ = 0;
};

}  // namespace trivet::bench
