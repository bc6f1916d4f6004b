#include "cri-runtime/container/user.h"
#include "cri-runtime/image/decompress.h"
#include "cri-runtime/image/entry_path.h"
#include "cri-runtime/image/image_config.h"
#include "cri-runtime/image/manifest.h"
#include "cri-runtime/image/reference.h"
#include "cri-runtime/image/tar_reader.h"
#include "cri-runtime/image/user.h"
#include "tests/fuzz/target.h"

namespace trivet::fuzz {
namespace {

class Text : public image::ByteStream {
 public:
  explicit Text(std::string_view text) : rest_(text) {}
  Result<std::string_view> Read() override {
    constexpr size_t kChunkBytes = 512;
    const std::string_view chunk = rest_.substr(0, kChunkBytes);
    rest_.remove_prefix(chunk.size());
    return chunk;
  }

 private:
  std::string_view rest_;
};

void ReadEntries(image::ByteStream& stream) {
  constexpr int kMaxEntries = 1000;
  image::TarReader reader(stream);
  if (!reader.Open()) return;
  for (int i = 0; i < kMaxEntries; ++i) {
    const auto entry = reader.Next();
    if (!entry || !*entry) return;
    uint64_t end = 0;
    const auto read = reader.ReadContent([&](uint64_t offset, std::string_view data) -> Result<> {
      Require(offset >= end, "content comes in order");
      end = offset + data.size();
      return {};
    });
    if (read) Require(end <= (*entry)->size_bytes, "an entry has no more bytes than it says");
  }
}

// A layer: tar as it is, in gzip or in zstd.
void Layer(std::string_view input) {
  Text packed(input);
  const auto stream = image::Decompress(packed, image::SniffCompression(input));
  if (stream) ReadEntries(**stream);
}

void Index(std::string_view input) {
  (void)image::ParseIndex(input);
}
void Manifest(std::string_view input) {
  (void)image::ParseManifest(input);
}
void Config(std::string_view input) {
  (void)image::ParseImageConfig(input);
}
void Name(std::string_view input) {
  (void)image::Reference::Parse(input);
}

// Three parts, each ended by a NUL: the image's user, its passwd and its group.
void User(std::string_view input) {
  const auto take = [&input] {
    const std::string_view part = input.substr(0, input.find('\0'));
    input.remove_prefix(std::min(part.size() + 1, input.size()));
    return std::string(part);
  };
  const auto user = image::ParseUser(take());
  if (!user) return;
  container::Accounts accounts;
  accounts.passwd = take();
  accounts.group = take();
  (void)container::ResolveUser({}, *user, accounts);
  container::Security security;
  security.run_as_username = take();
  (void)container::ResolveUser(security, *user, accounts);
}

}  // namespace

Targets ImageTargets() {
  return {{"image_layer", Layer},   {"image_index", Index}, {"image_manifest", Manifest},
          {"image_config", Config}, {"image_name", Name},   {"image_user", User}};
}

}  // namespace trivet::fuzz
