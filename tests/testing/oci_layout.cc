#include "tests/testing/oci_layout.h"

#include <archive.h>
#include <archive_entry.h>

#include <fstream>
#include <stdexcept>

#include "cri-runtime/image/digest.h"
#include "cri-runtime/image/platform.h"

namespace trivet::testing {
namespace {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar";

la_ssize_t Append(archive* /*archive*/, void* out, const void* data, size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

std::string Compress(const std::string& content, int filter) {
  std::string out;
  archive* writer = archive_write_new();
  archive_write_add_filter(writer, filter);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open(writer, &out, nullptr, Append, nullptr);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, content.data(), content.size());
  archive_entry_free(entry);
  archive_write_free(writer);
  return out;
}

void Write(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace

std::string Sha256Text(std::string_view content) {
  return image::Digest::Of(content).text();
}

LayerBlob LayerBlob::Plain(const std::string& tar) {
  return {kLayerType, tar, Sha256Text(tar)};
}
LayerBlob LayerBlob::Gzip(const std::string& tar) {
  return {std::string(kLayerType) + "+gzip", Compress(tar, ARCHIVE_FILTER_GZIP), Sha256Text(tar)};
}
LayerBlob LayerBlob::Zstd(const std::string& tar) {
  return {std::string(kLayerType) + "+zstd", Compress(tar, ARCHIVE_FILTER_ZSTD), Sha256Text(tar)};
}

OciLayout::OciLayout()
    : files_{{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"}},
      index_{{"schemaVersion", 2}, {"manifests", json::Value::array()}} {
  files_["index.json"] = json::Write(index_);
}

json::Value OciLayout::AddBlob(const std::string& media_type, const std::string& content) {
  const std::string digest = Sha256Text(content);
  files_["blobs/sha256/" + digest.substr(7)] = content;
  return {{"mediaType", media_type}, {"digest", digest}, {"size", content.size()}};
}

void OciLayout::List(json::Value descriptor, const std::string& name) {
  if (!name.empty()) descriptor["annotations"]["org.opencontainers.image.ref.name"] = name;
  index_["manifests"].push_back(std::move(descriptor));
  files_["index.json"] = json::Write(index_);
}

std::string OciLayout::Add(const ImageSpec& image) {
  json::Value layers = json::Value::array();
  json::Value diff_ids = json::Value::array();
  for (const LayerBlob& layer : image.layers) {
    layers.push_back(AddBlob(layer.media_type, layer.blob));
    diff_ids.push_back(layer.diff_id);
  }
  const json::Value config = {
      {"os", "linux"},
      {"architecture",
       image.architecture.empty() ? image::Platform::Host().architecture : image.architecture},
      {"config", image.config},
      {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}};
  const json::Value config_descriptor = AddBlob(kConfigType, json::Write(config));
  const json::Value manifest = {{"schemaVersion", 2},
                                {"mediaType", kManifestType},
                                {"config", config_descriptor},
                                {"layers", layers}};
  List(AddBlob(kManifestType, json::Write(manifest)), image.name);
  return config_descriptor["digest"];
}

std::string& OciLayout::BlobWith(std::string_view text) {
  for (auto& [name, content] : files_) {
    if (name.starts_with("blobs/") && content.find(text) != std::string::npos) return content;
  }
  throw std::logic_error("no such blob");
}

void OciLayout::WriteFolder(const std::filesystem::path& folder) const {
  for (const auto& [name, content] : files_) Write(folder / name, content);
}

std::string OciLayout::Archive() const {
  TarFile tar;
  for (const auto& [name, content] : files_) tar.File(name, content);
  return tar.bytes();
}

void OciLayout::WriteArchive(const std::filesystem::path& file) const {
  Write(file, Archive());
}

}  // namespace trivet::testing
