#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trivet::image {

/// The user an image asks for. At most one of uid and username is there, and at
/// most one of gid and group; names are to be looked up in the image's own
/// /etc/passwd and /etc/group. A text of digits is a number, never a name.
struct User {
  std::optional<uint32_t> uid;  // 0 to 2147483647
  std::string username;
  std::optional<uint32_t> gid;  // 0 to 2147483647
  std::string group;
};

/// What an image says about running it. A stranger's input: checked for form
/// and size, and nothing in it decides anything on the host.
/// Source: OCI image specification, config.md.
struct Config {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "NAME=value"
  std::string working_dir;       // absolute, or empty
  User user;
  int stop_signal = 0;  // a signal number, 0 when the image names none
  std::map<std::string, std::string> labels;
  std::vector<std::string> volumes;        // absolute paths without ".."
  std::vector<std::string> exposed_ports;  // "80/tcp"
};

/// One image of the store, as it was when it was asked for.
struct Image {
  std::string id;                         // "sha256:…" of the configuration; the CRI's image_ref
  std::vector<std::string> repo_tags;     // "docker.io/library/busybox:1.36"
  std::vector<std::string> repo_digests;  // "docker.io/library/busybox@sha256:…"
  uint64_t size_bytes = 0;                // unpacked layers and configuration, on disk
  Config config;
  /// Lowest first. Never empty: an image without layers has one empty folder.
  std::vector<std::filesystem::path> layer_directories;

  /// The same, highest first: the order of overlayfs' lowerdir.
  [[nodiscard]] std::vector<std::filesystem::path> LowerDirectories() const {
    return {layer_directories.rbegin(), layer_directories.rend()};
  }
};

}  // namespace trivet::image
