#include "cri-runtime/image/loaded_images.h"

#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "common/linux/file.h"

namespace trivet::image {
namespace {

Result<Catalog> ReadCatalog(const Paths& paths) {
  const auto text = ReadFile(paths.Record());
  if (!text && text.error().code() == Code::kNotFound) return Catalog();
  if (!text) return std::unexpected(text.error());
  ASSIGN_OR_RETURN(Catalog catalog, Catalog::Parse(*text), paths.Record().native());
  return catalog;
}

Result<ImportedImage> ReadParts(const Paths& paths, const CatalogEntry& entry) {
  ImportedImage image{.entry = entry};
  ASSIGN_OR_RETURN(image.config, ReadStoredConfig(paths, entry.id));
  for (const Digest& chain_id : entry.chain_ids) {
    ASSIGN_OR_RETURN(PlacedLayer layer, ReadPlacedLayer(paths, chain_id));
    image.layers.push_back(std::move(layer));
  }
  return image;
}

// Of the image itself, that is: another version of this program, or the same one with more room,
// could read what is there.
bool IsDamage(Code code) {
  return code != Code::kFailedPrecondition && code != Code::kResourceExhausted;
}

}  // namespace

Result<LoadedImages> LoadedImages::Load(const Paths& paths, const std::set<Digest>& pinned) {
  ASSIGN_OR_RETURN(const Catalog catalog, ReadCatalog(paths));
  LoadedImages images;
  images.catalog = catalog;
  for (const CatalogEntry& entry : catalog.entries()) {
    const auto parts = ReadParts(paths, entry);
    if (parts) {
      images.Put(*parts);
      continue;
    }
    if (!IsDamage(parts.error().code())) return std::unexpected(parts.error());
    spdlog::warn("image forgotten, import it again id={} reason=\"{}\"", entry.id.text(),
                 parts.error().message());
    if (pinned.contains(entry.id)) {
      images.KeepRemains(entry, paths);
    } else {
      images.catalog.Erase(entry.id);
    }
  }
  return images;
}

void LoadedImages::KeepRemains(const CatalogEntry& entry, const Paths& paths) {
  catalog.MarkRemoved(Digest(entry.id));
  configs.try_emplace(entry.id);
  for (const Digest& chain_id : entry.chain_ids) {
    const auto layer = ReadPlacedLayer(paths, chain_id);
    layers.try_emplace(chain_id, layer ? layer->facts : LayerFacts{});
  }
}

void LoadedImages::Put(const ImportedImage& imported) {
  catalog.Put(imported.entry);
  configs.insert_or_assign(imported.entry.id, imported.config);
  for (const PlacedLayer& layer : imported.layers) {
    layers.insert_or_assign(layer.chain_id, layer.facts);
  }
}

void LoadedImages::DropUnused() {
  std::set<Digest> used;
  for (const CatalogEntry& entry : catalog.entries()) {
    used.insert(entry.id);
    used.insert(entry.chain_ids.begin(), entry.chain_ids.end());
  }
  std::erase_if(configs, [&](const auto& item) { return !used.contains(item.first); });
  std::erase_if(layers, [&](const auto& item) { return !used.contains(item.first); });
}

Image LoadedImages::Describe(const CatalogEntry& entry, const Paths& paths) const {
  Image image{.id = entry.id.text(),
              .repo_tags = entry.tags,
              .repo_digests = entry.digests,
              .size_bytes = entry.blob_bytes,
              .config = configs.at(entry.id)};
  for (const Digest& chain_id : entry.chain_ids) {
    image.size_bytes += layers.at(chain_id).disk_bytes;
    image.layer_directories.push_back(paths.Layer(chain_id) / kLayerRoot);
  }
  if (image.layer_directories.empty()) image.layer_directories.push_back(paths.Empty());
  return image;
}

}  // namespace trivet::image
