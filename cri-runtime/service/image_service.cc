#include "cri-runtime/service/image_service.h"

#include <chrono>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/rpc/status.h"
#include "cri-runtime/image/name_patterns.h"
#include "cri-runtime/service/handle_work.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

// Far below the clients' message limit with any image's names.
constexpr size_t kImagesPerMessage = 256;

void Fill(const image::Image& image, v1::Image& out) {
  out.set_id(image.id);
  for (const std::string& tag : image.repo_tags) out.add_repo_tags(tag);
  for (const std::string& digest : image.repo_digests) out.add_repo_digests(digest);
  out.set_size(image.size_bytes);
  // One or the other; neither means root.
  const image::User& user = image.config.user;
  if (user.uid) {
    out.mutable_uid()->set_value(*user.uid);
  } else {
    out.set_username(user.username);
  }
  out.mutable_spec()->set_image(image.id);
}

// How an image looks to the kubelet.
class Shown {
 public:
  static Result<Shown> By(const Config& config) {
    ASSIGN_OR_RETURN(image::NamePatterns pinned, image::NamePatterns::Parse(config.pinned_images),
                     "pinnedImages");
    return Shown(std::move(pinned));
  }
  void Fill(const image::Image& image, v1::Image& out) const {
    cri::Fill(image, out);
    out.set_pinned(pinned_.MeanOneOf(image.repo_tags) || pinned_.MeanOneOf(image.repo_digests));
  }

 private:
  explicit Shown(image::NamePatterns pinned) : pinned_(std::move(pinned)) {}
  image::NamePatterns pinned_;
};

std::string VerboseInfo(const image::Image& image) {
  const image::Config& config = image.config;
  json::Value layers = json::Value::array();
  for (const auto& layer : image.layer_directories) layers.push_back(layer.native());
  return json::Write({{"layers", std::move(layers)},
                      {"config",
                       {{"Entrypoint", config.entrypoint},
                        {"Cmd", config.cmd},
                        {"Env", config.env},
                        {"WorkingDir", config.working_dir},
                        {"StopSignal", config.stop_signal},
                        {"Labels", config.labels},
                        {"Volumes", config.volumes},
                        {"ExposedPorts", config.exposed_ports}}}});
}

std::vector<image::Image> Select(const image::Store& store, const v1::ImageFilter& filter) {
  const std::string& reference = filter.image().image();
  if (reference.empty()) return store.List();
  auto found = store.Find(reference);
  return found ? std::vector{std::move(*found)} : std::vector<image::Image>{};
}

Result<std::string> ImageOf(const v1::ImageSpec& spec) {
  if (spec.image().empty()) return Fail(Code::kInvalidArgument, "image.image: missing");
  return spec.image();
}

void Fill(const image::FsUsage& usage, int64_t now_ns, v1::FilesystemUsage& out) {
  out.set_timestamp(now_ns);
  out.mutable_fs_id()->set_mountpoint(usage.mountpoint);
  out.mutable_used_bytes()->set_value(usage.used_bytes);
  out.mutable_inodes_used()->set_value(usage.used_inodes);
}

}  // namespace

grpc::Status ImageService::ListImages(grpc::ServerContext* /*context*/,
                                      const v1::ListImagesRequest* request,
                                      v1::ListImagesResponse* response) {
  return rpc::Handle("ListImages", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Shown shown, Shown::By(*config_.Get()));
    for (const image::Image& image : Select(store_, request->filter())) {
      shown.Fill(image, *response->add_images());
    }
    return {};
  });
}

grpc::Status ImageService::StreamImages(grpc::ServerContext* /*context*/,
                                        const v1::StreamImagesRequest* request,
                                        grpc::ServerWriter<v1::StreamImagesResponse>* writer) {
  return HandleStreamWork("StreamImages", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Shown shown, Shown::By(*config_.Get()));
    v1::StreamImagesResponse message;
    for (const image::Image& image : Select(store_, request->filter())) {
      shown.Fill(image, *message.add_images());
      if (static_cast<size_t>(message.images_size()) < kImagesPerMessage) continue;
      if (!writer->Write(message)) return Fail(Code::kCancelled, "the client went away");
      message.clear_images();
    }
    if (message.images_size() > 0 && !writer->Write(message)) {
      return Fail(Code::kCancelled, "the client went away");
    }
    return {};
  });
}

grpc::Status ImageService::ImageStatus(grpc::ServerContext* /*context*/,
                                       const v1::ImageStatusRequest* request,
                                       v1::ImageStatusResponse* response) {
  return rpc::Handle("ImageStatus", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const std::string reference, ImageOf(request->image()), "request");
    const auto image = store_.Find(reference);
    if (!image) return {};
    ASSIGN_OR_RETURN(const Shown shown, Shown::By(*config_.Get()));
    shown.Fill(*image, *response->mutable_image());
    if (request->verbose()) (*response->mutable_info())["info"] = VerboseInfo(*image);
    return {};
  });
}

grpc::Status ImageService::PullImage(grpc::ServerContext* /*context*/,
                                     const v1::PullImageRequest* request,
                                     v1::PullImageResponse* response) {
  return HandleWork("PullImage", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const std::string reference, ImageOf(request->image()), "request");
    ASSIGN_OR_RETURN(std::string id, Pull(reference));
    response->set_image_ref(std::move(id));
    return {};
  });
}

Result<std::string> ImageService::Pull(const std::string& reference) {
  ASSIGN_OR_RETURN(const auto location, image::Location::Parse(reference), "request");
  if (location) {
    if (!config_.Get()->local_import) {
      return Fail(Code::kPermissionDenied, "import {}: localImport is off in the configuration",
                  reference);
    }
    ASSIGN_OR_RETURN(const std::vector<image::Image> images, store_.Import(*location));
    return images.front().id;  // an import without an image is an error already
  }
  if (const auto present = store_.Find(reference)) return present->id;
  return Fail(Code::kUnimplemented,
              "pull {}: not on this node, and this version does not pull from registries; import "
              "it with: trivetctl image import FILE",
              reference);
}

grpc::Status ImageService::RemoveImage(grpc::ServerContext* /*context*/,
                                       const v1::RemoveImageRequest* request,
                                       v1::RemoveImageResponse* /*response*/) {
  return HandleWork("RemoveImage", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const std::string reference, ImageOf(request->image()), "request");
    return store_.Remove(reference);
  });
}

grpc::Status ImageService::ImageFsInfo(grpc::ServerContext* /*context*/,
                                       const v1::ImageFsInfoRequest* /*request*/,
                                       v1::ImageFsInfoResponse* response) {
  return HandleWork("ImageFsInfo", [&]() -> Result<> {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t now_ns = std::chrono::nanoseconds(now).count();
    const image::FsUsage usage = store_.Usage();
    // Containers' writable layers are on the same file system: the kubelet compares the two.
    Fill(usage, now_ns, *response->add_image_filesystems());
    Fill(usage, now_ns, *response->add_container_filesystems());
    return {};
  });
}

}  // namespace trivet::cri
