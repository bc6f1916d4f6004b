#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/error.h"

namespace trivet::systemd {

struct UnrefMessage {
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, UnrefMessage>;

/// A connection to the system bus for one call of systemd's manager, and for the end of the job
/// that it starts. One thread.
class Bus {
 public:
  /// `step` is "StartUnit a.slice", for errors.
  static Result<std::unique_ptr<Bus>> Open(std::string step, std::chrono::milliseconds patience);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Calls a method of org.freedesktop.systemd1.Manager; `fill` appends the arguments and returns
  /// sd-bus's number.
  Result<Message> Call(const char* method, const std::function<int(sd_bus_message*)>& fill);
  /// Makes RunJob possible: from now on the ends of jobs are heard.
  Result<> ListenForJobs();
  /// Calls a method that answers with a job, and waits until it is done.
  Result<> RunJob(const char* method, const std::function<int(sd_bus_message*)>& fill);
  /// A property of the manager's that is a text.
  Result<std::string> ReadText(const char* property);

 private:
  Bus(std::string step, std::chrono::milliseconds patience);
  [[nodiscard]] Result<> AwaitJob(const std::string& job);
  [[nodiscard]] uint64_t LeftUs() const;

  std::string step_;
  std::chrono::steady_clock::time_point deadline_;
  sd_bus* bus_ = nullptr;
  std::map<std::string, std::string> ended_jobs_;  // by path: "done", "failed", ...
};

}  // namespace trivet::systemd
