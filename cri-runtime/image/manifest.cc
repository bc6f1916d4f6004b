#include "cri-runtime/image/manifest.h"

#include <array>
#include <map>
#include <utility>

#include "common/base/json.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr size_t kMaxDescriptors = 4096;

constexpr std::array<std::pair<std::string_view, Media>, 12> kMediaTypes{{
    {"application/vnd.oci.image.index.v1+json", Media::kIndex},
    {"application/vnd.oci.image.manifest.v1+json", Media::kManifest},
    {"application/vnd.oci.image.config.v1+json", Media::kConfig},
    {"application/vnd.oci.image.layer.v1.tar", Media::kLayerTar},
    {"application/vnd.oci.image.layer.v1.tar+gzip", Media::kLayerGzip},
    {"application/vnd.oci.image.layer.v1.tar+zstd", Media::kLayerZstd},
    {"application/vnd.docker.distribution.manifest.list.v2+json", Media::kIndex},
    {"application/vnd.docker.distribution.manifest.v2+json", Media::kManifest},
    {"application/vnd.docker.container.image.v1+json", Media::kConfig},
    {"application/vnd.docker.image.rootfs.diff.tar", Media::kLayerTar},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", Media::kLayerGzip},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", Media::kLayerZstd},
}};

Media MediaOf(std::string_view type) {
  for (const auto& [text, media] : kMediaTypes) {
    if (text == type) return media;
  }
  return Media::kOther;
}

bool IsLayer(Media media) {
  return media == Media::kLayerTar || media == Media::kLayerGzip || media == Media::kLayerZstd;
}

Result<std::optional<Platform>> ReadPlatform(const json::Value& object) {
  const auto found = object.find("platform");
  if (found == object.end() || found->is_null()) return std::nullopt;
  Platform platform;
  RETURN_IF_ERROR(json::ReadRequired(*found, "os", platform.os), "platform");
  RETURN_IF_ERROR(json::ReadRequired(*found, "architecture", platform.architecture), "platform");
  return platform;
}

Result<std::string> ReadName(const json::Value& object) {
  std::map<std::string, std::string> annotations;
  RETURN_IF_ERROR(json::ReadOptional(object, "annotations", annotations));
  // Docker and containerd write the full name here, and only the tag in the standard's key.
  for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    if (const auto found = annotations.find(key); found != annotations.end()) return found->second;
  }
  return "";
}

Result<Descriptor> ReadDescriptor(const json::Value& object) {
  if (!object.is_object()) return Fail(Code::kInvalidArgument, "want a descriptor object");
  std::string digest_text;
  std::string media_type;
  uint64_t size_bytes = 0;
  RETURN_IF_ERROR(json::ReadRequired(object, "mediaType", media_type));
  RETURN_IF_ERROR(json::ReadRequired(object, "digest", digest_text));
  RETURN_IF_ERROR(json::ReadRequired(object, "size", size_bytes));
  ASSIGN_OR_RETURN(Digest digest, Digest::Parse(digest_text));
  ASSIGN_OR_RETURN(std::optional<Platform> platform, ReadPlatform(object));
  ASSIGN_OR_RETURN(std::string name, ReadName(object));
  return Descriptor{.media = MediaOf(media_type),
                    .media_type = media_type,
                    .digest = std::move(digest),
                    .size_bytes = size_bytes,
                    .platform = std::move(platform),
                    .name = std::move(name)};
}

Result<std::vector<Descriptor>> ReadDescriptors(const json::Value& root, std::string_view field) {
  const auto found = root.find(field);
  if (found == root.end() || !found->is_array()) {
    return Fail(Code::kInvalidArgument, "{}: want a list", field);
  }
  if (found->size() > kMaxDescriptors) {
    return Fail(Code::kResourceExhausted, "{}: more than {} items", field, kMaxDescriptors);
  }
  std::vector<Descriptor> descriptors;
  for (size_t i = 0; i < found->size(); ++i) {
    ASSIGN_OR_RETURN(Descriptor one, ReadDescriptor((*found)[i]), fmt::format("{}[{}]", field, i));
    descriptors.push_back(std::move(one));
  }
  return descriptors;
}

Result<json::Value> ParseDocument(std::string_view text) {
  ASSIGN_OR_RETURN(json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "schemaVersion", version));
  if (version != 2) return Fail(Code::kInvalidArgument, "schemaVersion: {} is not 2", version);
  return root;
}

}  // namespace

Result<std::vector<Descriptor>> ParseIndex(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, ParseDocument(text));
  return ReadDescriptors(root, "manifests");
}

Result<Manifest> ParseManifest(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, ParseDocument(text));
  const auto config = root.find("config");
  if (config == root.end()) return Fail(Code::kInvalidArgument, "config: missing");
  ASSIGN_OR_RETURN(Descriptor config_descriptor, ReadDescriptor(*config), "config");
  if (config_descriptor.media != Media::kConfig) {
    return Fail(Code::kInvalidArgument, "config: media type '{}' is not an image's configuration",
                Printable(config_descriptor.media_type));
  }
  ASSIGN_OR_RETURN(std::vector<Descriptor> layers, ReadDescriptors(root, "layers"));
  for (size_t i = 0; i < layers.size(); ++i) {
    if (IsLayer(layers[i].media)) continue;
    return Fail(Code::kInvalidArgument,
                "layers[{}]: media type '{}' is unknown; want a tar layer, plain, +gzip or +zstd",
                i, Printable(layers[i].media_type));
  }
  return Manifest{std::move(config_descriptor), std::move(layers)};
}

}  // namespace trivet::image
