#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/bench/cri/pods.h"

namespace trivet::bench {

/// The commands of cri_bench, one line each; pods that "up" made stay until "down".
class Commands {
 public:
  explicit Commands(Pods& pods) : pods_(pods) {}

  /// Errors: kInvalidArgument for a command that there is not, and those of the calls.
  Result<> Run(const std::string& line);

 private:
  Result<> Life();
  Result<> Up(int count, int workers);
  Result<> Down(int workers);
  Result<> Exec(int count);
  Result<> Probes(int seconds, int per_second);
  Result<> Lists(int count, bool stats);
  Result<> ListsUntil(const std::filesystem::path& file, int at_least);

  Pods& pods_;
  std::vector<Pod> up_;
};

}  // namespace trivet::bench
