#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "proto/trivet/policy.h"

namespace trivet::cni {

/// A policy agent that answers what a test wants, and remembers what it was asked.
class FakeAgent {
 public:
  /// Called on the agent's thread, in the test's namespaces.
  using Handler = std::function<policy::Answer(const policy::Request&)>;

  explicit FakeAgent(
      std::filesystem::path socket, Handler handler = [](const auto&) { return policy::Answer{}; });
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  [[nodiscard]] std::vector<policy::Request> Requests() const;
  [[nodiscard]] std::vector<policy::Verb> Verbs() const;

 private:
  void Serve();

  const std::filesystem::path path_;
  const Handler handler_;
  UniqueFd listener_;
  mutable std::mutex mutex_;
  std::vector<policy::Request> requests_;
  std::thread thread_;
};

}  // namespace trivet::cni
