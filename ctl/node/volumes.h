#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "ctl/node/container_config.h"
#include "ctl/node/csi.h"
#include "ctl/node/paths.h"
#include "ctl/node/records.h"
#include "ctl/node/report.h"

namespace trivet::ctl {

/// How a pod uses a claim's volume.
struct ClaimUse {
  std::string pod_uid;
  bool read_only = false;
  std::optional<int64_t> fs_group;
};

/// What external-provisioner, external-attacher and the kubelet do with one CSI driver.
/// Every step may be repeated. The driver is connected to with the first call.
class Volumes {
 public:
  /// All are borrowed.
  Volumes(std::filesystem::path socket, const Records& records, const Paths& paths,
          const Report& report)
      : socket_(std::move(socket)), records_(records), paths_(paths), report_(report) {}

  /// Creates the claim's volume and notes it in `record`, which is already on disk.
  Result<> Create(const Claim& claim, Record& record);
  Result<> Delete(const Record& record);
  /// Attaches, stages and publishes; a mount appears at Paths::Published.
  Result<MountedVolume> Publish(const Claim& claim, const Record& record, const ClaimUse& use);
  Result<> Unpublish(const Record& record, const std::string& pod_uid);
  /// When no pod of this node uses the volume any more.
  Result<> Unstage(const Record& record);

 private:
  /// What the driver is told about a volume in every node call.
  struct Mounting {
    ::csi::v1::VolumeCapability capability;
    google::protobuf::Map<std::string, std::string> publish_context;
  };
  Result<> Connect();
  Result<Mounting> MakeMounting(const Claim& claim, const Record& record, const ClaimUse& use);
  Result<> Attach(const Record& record, Mounting& mounting);
  Result<> Stage(const Record& record, const Mounting& mounting);
  Result<std::filesystem::path> PublishStaged(const Record& record, const Mounting& mounting,
                                              const ClaimUse& use);

  std::filesystem::path socket_;
  const Records& records_;
  const Paths& paths_;
  const Report& report_;
  std::optional<Csi> csi_;
};

}  // namespace trivet::ctl
