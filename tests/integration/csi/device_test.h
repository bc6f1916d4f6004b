#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {

/// Runs a program, which must succeed; what it said on its standard output, without the last line's
/// end.
std::string RunProgram(const std::string& program, const std::vector<std::string>& args);

/// A DriverTest with a pool "whole" of two devices: loop devices stand for disks, of 64 and 320
/// MiB.
class DevicePools : public DriverTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A disk with a name of its own, as by-id has them; returns the device.
  std::string AddDisk(const std::string& name, int64_t bytes);
  /// Starts the driver again, with these pools.
  void StartWith(const std::string& pools);
  /// The small disk; its loop device stays, and what is mounted of it.
  void TakeAway() { std::filesystem::remove(Path("disks/small")); }
  void BringBack() { std::filesystem::create_symlink(small_, Path("disks/small")); }
  static void WriteTo(const std::string& device, off_t offset, const std::string& data);
  static bool IsEmpty(const std::string& file);

  std::string small_;
  std::string large_;
  std::vector<std::string> devices_;
};

}  // namespace trivet::csi
