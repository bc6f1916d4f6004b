#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trivet::testing {

/// Attributes of a tar entry.
struct TarAttributes {
  uint32_t mode = 0644;
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t mtime_seconds = 1704067200;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

/// Writes tar files by hand, so that they can be as wrong as a test wants them.
class TarFile {
 public:
  TarFile& Folder(std::string_view path, TarAttributes attributes = {.mode = 0755});
  TarFile& File(std::string_view path, std::string_view content, TarAttributes attributes = {});
  TarFile& Symlink(std::string_view path, std::string_view target);
  TarFile& HardLink(std::string_view path, std::string_view target);
  /// `type` is '3' for a character device, '4' for a block device, '6' for a fifo.
  TarFile& Node(char type, std::string_view path, uint32_t major = 0, uint32_t minor = 0,
                TarAttributes attributes = {});

  /// The file, with its end mark.
  [[nodiscard]] std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  struct Header {
    char type = '0';
    std::string_view path;
    std::string_view link;
    size_t size_bytes = 0;
    uint32_t major = 0;
    uint32_t minor = 0;
  };
  void Add(const Header& header, const TarAttributes& attributes);
  void Block(const Header& header, const TarAttributes& attributes);
  void Content(std::string_view content);

  std::string bytes_;
};

}  // namespace trivet::testing
