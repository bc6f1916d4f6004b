#pragma once

#include <chrono>
#include <string>

#include "common/base/error.h"
#include "cri-runtime/systemd/unit_properties.h"

/// The service manager, over D-Bus. Source: man 5 org.freedesktop.systemd1.
///
/// Every call has a connection of its own: no thread waits for another's job, and a bus that was
/// restarted is found again by the next call.
/// Errors of all: "systemd: <call> <unit>: <its words>"; kUnavailable when the bus or systemd
/// cannot be reached, kDeadlineExceeded when a job does not end in time.
namespace trivet::systemd {

class Manager {
 public:
  explicit Manager(std::chrono::milliseconds patience = std::chrono::seconds(30))
      : patience_(patience) {}

  /// Its version, "252.39-1~deb12u2": it can be reached.
  [[nodiscard]] Result<std::string> ReadVersion() const;

  /// Makes a unit and waits until it is there. One of that name that failed is forgotten first.
  /// Errors: kAlreadyExists.
  [[nodiscard]] Result<> StartTransient(const std::string& unit,
                                        const Properties& properties) const;
  /// Starts a unit that systemd can make from its name (a slice). One that runs is success.
  [[nodiscard]] Result<> Start(const std::string& unit) const;
  /// Until it is changed again or the unit goes; never in a file that a reboot would find.
  /// Errors: kNotFound.
  [[nodiscard]] Result<> SetProperties(const std::string& unit, const Properties& properties) const;
  /// Ends a unit, and forgets that it failed; one that is not there is success.
  [[nodiscard]] Result<> Stop(const std::string& unit) const;

 private:
  std::chrono::milliseconds patience_;
};

}  // namespace trivet::systemd
