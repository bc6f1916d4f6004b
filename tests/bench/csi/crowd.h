#pragma once

#include <cstdint>
#include <string>

/// A running CSI driver under many clients, or with many volumes. A call that fails ends the
/// program.
namespace trivet::bench::crowd {

/// Prints p50 and p90 of calls that `clients` make at the same time, each for a volume of its own
/// with an ext4; `folder` is for their paths. Leaves no volume.
void Run(const std::string& socket, const std::string& folder, int clients, int rounds);

/// Makes so many raw volumes of 1 MiB.
void Fill(const std::string& socket, const std::string& folder, int volumes);

/// Makes a raw volume and shows it at `folder`/target; it stays. Prints its id.
void Show(const std::string& socket, const std::string& folder, int64_t bytes);

}  // namespace trivet::bench::crowd
