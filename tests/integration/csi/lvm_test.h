#pragma once

#include <string>
#include <vector>

#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {

/// A DriverTest with a thin and a thick pool in one volume group of fake_lvm.py: "thin" and
/// "thick". This machine may lack device-mapper; the suite "node" has it, and lvm2 itself.
class LvmTest : public CopyTest {
 protected:
  void SetUp() override;

  /// The pool's name and the size are those of the parameters.
  ::csi::v1::CreateVolumeRequest RequestIn(const std::string& pool, const std::string& name,
                                           const Kind& kind);
  std::string CreatedIn(const std::string& pool, const std::string& name, const Kind& kind);
  int64_t CapacityOf(const std::string& pool);
  /// The logical volumes there are, without the thin pool.
  [[nodiscard]] std::vector<std::string> LogicalVolumes() const;
  /// What lvm was asked so far, a line each.
  [[nodiscard]] std::string Log() const;
  /// Lets lvm's next `command` fail.
  void FailNext(const std::string& command, const std::string& said);
};

}  // namespace trivet::csi
