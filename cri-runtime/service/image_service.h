#pragma once

#include "cri-runtime/image/store.h"
#include "cri-runtime/live_config.h"
#include "proto/cri/api.grpc.pb.h"

namespace trivet::cri {

/// The CRI's ImageService over the image store. Translation only.
class ImageService final : public ::runtime::v1::ImageService::Service {
 public:
  /// Both are borrowed. Of the configuration: localImport, whether PullImage may read an image
  /// layout or archive from this machine's disk ("oci:/folder[:name]", "oci-archive:/file[:name]");
  /// the socket is root's alone, and so are the files that it can name. pinnedImages: what the
  /// kubelet's garbage collection leaves alone; RemoveImage removes these like any other.
  ImageService(image::Store& store, const LiveConfig& config) : store_(store), config_(config) {}

  grpc::Status ListImages(grpc::ServerContext* context,
                          const ::runtime::v1::ListImagesRequest* request,
                          ::runtime::v1::ListImagesResponse* response) override;
  grpc::Status StreamImages(
      grpc::ServerContext* context, const ::runtime::v1::StreamImagesRequest* request,
      grpc::ServerWriter<::runtime::v1::StreamImagesResponse>* writer) override;
  /// An absent image is an answer without an image, not an error.
  grpc::Status ImageStatus(grpc::ServerContext* context,
                           const ::runtime::v1::ImageStatusRequest* request,
                           ::runtime::v1::ImageStatusResponse* response) override;
  /// Imports a local layout, or answers with the image that is here under that name.
  /// Anything else is UNIMPLEMENTED: this version does not talk to registries.
  grpc::Status PullImage(grpc::ServerContext* context,
                         const ::runtime::v1::PullImageRequest* request,
                         ::runtime::v1::PullImageResponse* response) override;
  grpc::Status RemoveImage(grpc::ServerContext* context,
                           const ::runtime::v1::RemoveImageRequest* request,
                           ::runtime::v1::RemoveImageResponse* response) override;
  grpc::Status ImageFsInfo(grpc::ServerContext* context,
                           const ::runtime::v1::ImageFsInfoRequest* request,
                           ::runtime::v1::ImageFsInfoResponse* response) override;

 private:
  Result<std::string> Pull(const std::string& reference);

  image::Store& store_;
  const LiveConfig& config_;
};

}  // namespace trivet::cri
