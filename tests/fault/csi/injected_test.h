#pragma once

#include <functional>
#include <string>

#include "common/linux/process.h"
#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {

/// A call and its opposite, which are made over and over with a fault in each, at one system call
/// further each time.
struct CallPair {
  std::function<void()> prepare = [] {};    // without a fault
  std::function<grpc::StatusCode()> there;  // the call
  std::function<void()> check = [] {};      // what must hold once it succeeded
  std::function<grpc::StatusCode()> back;   // its opposite
  std::function<void()> finish = [] {};     // without a fault
};

/// Attaches strace(1) to the driver, so that the Nth system call of each thread from then on fails
/// or is the last one, and asserts that the same call made again, after a restart where that was
/// the end, succeeds and leaves what it should.
class InjectedTest : public CopyTest {
 protected:
  void SetUp() override;

  /// `fault` as strace's -e inject says it: "signal=KILL", "error=EIO".
  void Try(const std::string& fault, const CallPair& calls);

  /// As the CO does: again while it is told to wait.
  grpc::StatusCode Patiently(const std::function<grpc::StatusCode()>& call);

 private:
  bool CallWithFault(const std::string& fault, int number,
                     const std::function<grpc::StatusCode()>& call);
  void Attach(const std::string& fault, int number);
  bool DetachAndSeeWhetherItHit();

  Child strace_;
};

}  // namespace trivet::csi
