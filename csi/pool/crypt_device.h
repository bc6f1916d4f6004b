#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "csi/pool/loop_device.h"

/// Encrypted volumes: a LUKS2 container on the volume's device, and a mapping of device-mapper,
/// "trivet-<id>", that shows what is in it. By cryptsetup(8); the passphrase goes to its standard
/// input and nowhere else.
namespace trivet::csi::crypt {

/// What a container takes of its device for itself. Source: cryptsetup(8), LUKS2's default offset.
constexpr uint64_t kHeaderBytes = uint64_t{16} << 20;

/// Errors: kFailedPrecondition when the kernel has no dm-crypt; kUnavailable without cryptsetup.
Result<> CheckSupport();

/// Makes a container with this UUID on the device, over whatever is there; durable.
Result<> Format(const std::filesystem::path& device, const std::string& uuid,
                const std::string& passphrase);

/// Errors: kDataLoss when the device, open as `fd`, does not begin with the container of this UUID.
Result<> CheckContainer(int fd, const std::string& uuid);

/// Opens the container; the mapping holds the device from then on.
/// Errors: kPermissionDenied when the passphrase does not fit.
Result<BlockDevice> Open(const std::filesystem::path& device, const std::string& id,
                         const std::string& passphrase, bool read_only);

/// The mapping of the volume; none when there is none. Runs no program.
Result<std::optional<BlockDevice>> Find(const std::string& id);

/// Makes the mapping as large as its device is now.
Result<> Resize(const std::string& id);

/// Forgets the key and lets go of the device. None is success.
Result<> Close(const std::string& id);

}  // namespace trivet::csi::crypt
