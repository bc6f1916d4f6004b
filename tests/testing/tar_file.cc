#include "tests/testing/tar_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace trivet::testing {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr uint64_t kMaxOctalId = 07777777;

// The fields of a ustar header. Source: POSIX pax(1), "ustar Interchange Format".
struct Ustar {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[8];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char rest[167];
};
static_assert(sizeof(Ustar) == kBlockBytes);

template <size_t N>
void Put(char (&field)[N], std::string_view text) {
  text.copy(field, N);
}

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string PaxRecord(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (fmt::format("{}", length).size() + rest != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

}  // namespace

TarFile& TarFile::Folder(std::string_view path, TarAttributes attributes) {
  Add({.type = '5', .path = path}, attributes);
  return *this;
}

TarFile& TarFile::File(std::string_view path, std::string_view content, TarAttributes attributes) {
  Add({.type = '0', .path = path, .size_bytes = content.size()}, attributes);
  Content(content);
  return *this;
}

TarFile& TarFile::Symlink(std::string_view path, std::string_view target) {
  Add({.type = '2', .path = path, .link = target}, {.mode = 0777});
  return *this;
}

TarFile& TarFile::HardLink(std::string_view path, std::string_view target) {
  Add({.type = '1', .path = path, .link = target}, {});
  return *this;
}

TarFile& TarFile::Node(char type, std::string_view path, uint32_t major, uint32_t minor,
                       TarAttributes attributes) {
  Add({.type = type, .path = path, .major = major, .minor = minor}, attributes);
  return *this;
}

void TarFile::Add(const Header& header, const TarAttributes& attributes) {
  std::string pax;
  if (header.path.size() > 100) pax += PaxRecord("path", header.path);
  if (header.link.size() > 100) pax += PaxRecord("linkpath", header.link);
  if (attributes.uid > kMaxOctalId) pax += PaxRecord("uid", fmt::format("{}", attributes.uid));
  for (const auto& [name, value] : attributes.xattrs) {
    pax += PaxRecord("SCHILY.xattr." + name, value);
  }
  if (!pax.empty()) {
    Block({.type = 'x', .path = "pax", .size_bytes = pax.size()}, {});
    Content(pax);
  }
  Block(header, attributes);
}

void TarFile::Block(const Header& header, const TarAttributes& attributes) {
  Ustar block{};
  Put(block.name, header.path);
  Put(block.mode, fmt::format("{:07o}", attributes.mode));
  Put(block.uid, fmt::format("{:07o}", std::min(attributes.uid, kMaxOctalId)));
  Put(block.gid, fmt::format("{:07o}", std::min(attributes.gid, kMaxOctalId)));
  Put(block.size, fmt::format("{:011o}", header.size_bytes));
  Put(block.mtime, fmt::format("{:011o}", attributes.mtime_seconds));
  Put(block.checksum, "        ");
  block.type = header.type;
  Put(block.link, header.link);
  Put(block.magic, std::string_view("ustar\00000", 8));
  Put(block.major, fmt::format("{:07o}", header.major));
  Put(block.minor, fmt::format("{:07o}", header.minor));
  unsigned sum = 0;
  for (const char byte : std::string_view(reinterpret_cast<const char*>(&block), kBlockBytes)) {
    sum += static_cast<unsigned char>(byte);
  }
  Put(block.checksum, std::string_view(fmt::format("{:06o}", sum)));
  block.checksum[6] = '\0';
  bytes_.append(reinterpret_cast<const char*>(&block), kBlockBytes);
}

void TarFile::Content(std::string_view content) {
  bytes_ += content;
  bytes_.resize((bytes_.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
}

}  // namespace trivet::testing
