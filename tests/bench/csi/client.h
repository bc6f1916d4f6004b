#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/csi/csi.grpc.pb.h"

namespace trivet::bench {

/// A client of a CSI driver with a connection of its own. Each call takes a name, under which its
/// time is kept. One that fails ends the program with the driver's message.
class Client {
 public:
  using Times = std::map<std::string, std::vector<double>>;  // milliseconds

  /// `folder` is for the paths of its volumes; `kind`: ext4, xfs, btrfs or block.
  Client(const std::string& socket, std::string folder, const std::string& kind);

  void Probe(const std::string& call);
  std::string Create(const std::string& call, const std::string& name, int64_t bytes);
  std::string Restore(const std::string& call, const std::string& name, const std::string& snapshot,
                      int64_t bytes);
  void Delete(const std::string& call, const std::string& id);
  void Stage(const std::string& call, const std::string& id);
  void Unstage(const std::string& call, const std::string& id);
  void Publish(const std::string& call, const std::string& id);
  void Stats(const std::string& call, const std::string& id);
  void Unpublish(const std::string& call, const std::string& id);
  std::string Snapshot(const std::string& call, const std::string& name, const std::string& id);
  void DeleteSnapshot(const std::string& call, const std::string& id);

  /// Runs and times what is no call.
  template <class Step>
  void Time(const std::string& name, Step step) {
    const auto start = std::chrono::steady_clock::now();
    step();
    Add(name, std::chrono::steady_clock::now() - start);
  }
  [[nodiscard]] const Times& times() const { return times_; }

  /// Where volumes are staged and published, one at a time.
  [[nodiscard]] std::string staging_path() const { return folder_ + "/stage"; }
  [[nodiscard]] std::string target_path() const { return folder_ + "/target"; }

 private:
  template <class Response, class Stub, class Method, class Request>
  Response Call(const std::string& name, Stub& stub, Method method, const Request& request);
  void Add(const std::string& name, std::chrono::duration<double, std::milli> taken) {
    times_[name].push_back(taken.count());
  }

  const std::string folder_;
  ::csi::v1::VolumeCapability capability_;
  std::unique_ptr<::csi::v1::Identity::Stub> identity_;
  std::unique_ptr<::csi::v1::Controller::Stub> controller_;
  std::unique_ptr<::csi::v1::Node::Stub> node_;
  Times times_;
};

/// Of many samples, which are sorted then: "name   p50 …   p90 …   n …", without the line's end.
void PrintTimes(const std::string& name, std::vector<double>& milliseconds);

}  // namespace trivet::bench
