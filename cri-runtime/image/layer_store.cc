#include "cri-runtime/image/layer_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/linux/file.h"

namespace trivet::image {
namespace {

constexpr int kRecordVersion = 1;

std::string WriteRecord(const Digest& diff_id, const LayerFacts& facts) {
  return json::WritePretty({{"version", kRecordVersion},
                            {"diff_id", diff_id.text()},
                            {"disk_bytes", facts.disk_bytes},
                            {"inodes", facts.inodes},
                            {"unpacked_bytes", facts.unpacked_bytes}});
}

Result<LayerFacts> ParseRecord(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "version", version));
  if (version != kRecordVersion) {
    return Fail(Code::kFailedPrecondition, "version {} is not {}", version, kRecordVersion);
  }
  LayerFacts facts;
  RETURN_IF_ERROR(json::ReadRequired(root, "disk_bytes", facts.disk_bytes));
  RETURN_IF_ERROR(json::ReadRequired(root, "inodes", facts.inodes));
  RETURN_IF_ERROR(json::ReadRequired(root, "unpacked_bytes", facts.unpacked_bytes));
  return facts;
}

Result<> SyncFileSystem(const std::filesystem::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", folder.native());
  if (::syncfs(fd.get()) != 0) return FailErrno("syncfs {}", folder.native());
  return {};
}

}  // namespace

Digest ChainId(const std::optional<Digest>& below, const Digest& diff_id) {
  return below ? Digest::Of(below->text() + " " + diff_id.text()) : diff_id;
}

Result<PlacedLayer> ReadPlacedLayer(const Paths& paths, const Digest& chain_id) {
  const auto record = paths.Layer(chain_id) / kLayerRecord;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(record));
  ASSIGN_OR_RETURN(const LayerFacts facts, ParseRecord(text), record.native());
  return PlacedLayer{chain_id, facts};
}

Result<> LayerTransaction::Add(const Source& source, const Descriptor& layer,
                               const Digest& diff_id) {
  const std::optional<Digest> below =
      layers_.empty() ? std::nullopt : std::optional(layers_.back().chain_id);
  const Digest chain_id = ChainId(below, diff_id);
  guards_.push_back(place_.chains.Lock(chain_id.hex()));

  auto placed = ReadPlacedLayer(place_.paths, chain_id);
  if (placed) {
    layers_.push_back(std::move(*placed));
    roots_.insert(roots_.begin(), place_.paths.Layer(chain_id) / kLayerRoot);
  } else if (placed.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(placed).error());
  } else {
    layers_.push_back({chain_id, {}});
    RETURN_IF_ERROR(Unpack(source, layer, diff_id));
  }
  unpacked_bytes_ += layers_.back().facts.unpacked_bytes;
  return {};
}

Result<> LayerTransaction::Unpack(const Source& source, const Descriptor& layer,
                                  const Digest& diff_id) {
  const size_t index = layers_.size() - 1;
  const auto folder = place_.scratch / std::to_string(index);
  const auto root = folder / kLayerRoot;
  RETURN_IF_ERROR(EnsureDirectory(root));
  ASSIGN_OR_RETURN(const UniqueFd blob, source.OpenBlob(layer));

  const uint64_t limit_bytes = place_.limits.unpacked_bytes;
  ASSIGN_OR_RETURN(
      const LayerFacts facts,
      UnpackLayer({.blob_fd = blob.get(),
                   .layer = layer,
                   .diff_id = diff_id,
                   .root = root,
                   .lower = roots_,
                   .allowance_bytes = limit_bytes - std::min(limit_bytes, unpacked_bytes_)},
                  place_.limits));
  RETURN_IF_ERROR(WriteFileVolatile(folder / kLayerRecord, WriteRecord(diff_id, facts)));
  layers_[index].facts = facts;
  roots_.insert(roots_.begin(), root);
  fresh_.push_back(index);
  return {};
}

Result<std::vector<PlacedLayer>> LayerTransaction::Commit() && {
  if (fresh_.empty()) return std::move(layers_);
  RETURN_IF_ERROR(SyncFileSystem(place_.scratch));
  for (const size_t index : fresh_) {
    const auto from = place_.scratch / std::to_string(index);
    const auto to = place_.paths.Layer(layers_[index].chain_id);
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return FailErrno("rename {} to {}", from.native(), to.native());
    }
  }
  RETURN_IF_ERROR(SyncDirectory(place_.paths.Layers()));
  return std::move(layers_);
}

}  // namespace trivet::image
