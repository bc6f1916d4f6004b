#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "tests/testing/tar_file.h"

namespace trivet::testing {

/// A layer as a layout holds it.
struct LayerBlob {
  std::string media_type;
  std::string blob;
  std::string diff_id;  // "sha256:…" of the unpacked tar

  static LayerBlob Plain(const std::string& tar);
  static LayerBlob Gzip(const std::string& tar);
  static LayerBlob Zstd(const std::string& tar);
  static LayerBlob Gzip(const TarFile& tar) { return Gzip(tar.bytes()); }
};

/// What an image of a layout is made of.
struct ImageSpec {
  std::string name = "localhost/test/image:1";  // empty for none
  std::vector<LayerBlob> layers;
  json::Value config = json::Value::object();  // the "config" member: Env, User, ...
  std::string architecture;                    // this machine's when empty
};

std::string Sha256Text(std::string_view content);  // "sha256:…"

/// An OCI image layout in memory. Everything may be changed before it is written:
/// files are a map from name to content.
class OciLayout {
 public:
  OciLayout();

  /// Adds an image; returns its id (the configuration's digest).
  std::string Add(const ImageSpec& image);
  /// Adds a blob and returns a descriptor of it.
  json::Value AddBlob(const std::string& media_type, const std::string& content);
  /// Lists a descriptor in index.json under a name.
  void List(json::Value descriptor, const std::string& name);

  std::map<std::string, std::string>& files() { return files_; }
  /// The one blob whose content `contains` the text.
  std::string& BlobWith(std::string_view text);

  void WriteFolder(const std::filesystem::path& folder) const;
  [[nodiscard]] std::string Archive() const;
  void WriteArchive(const std::filesystem::path& file) const;

 private:
  std::map<std::string, std::string> files_;
  json::Value index_;
};

}  // namespace trivet::testing
