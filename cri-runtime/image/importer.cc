#include "cri-runtime/image/importer.h"

#include <utility>

#include "common/linux/file.h"
#include "cri-runtime/image/image_config.h"
#include "cri-runtime/image/reference.h"

namespace trivet::image {
namespace {

struct Documents {
  std::string manifest_text;
  std::string config_text;
  Manifest manifest;
  ImageConfig config;
};

Result<> CheckLayers(const Documents& documents, uint64_t limit) {
  const size_t layers = documents.manifest.layers.size();
  if (layers > limit) {
    return Fail(Code::kResourceExhausted, "{} layers, the limit is {}", layers, limit);
  }
  if (layers != documents.config.diff_ids.size()) {
    return Fail(Code::kInvalidArgument, "{} layers, but the configuration has {} diff_ids", layers,
                documents.config.diff_ids.size());
  }
  return {};
}

Result<Documents> ReadDocuments(const Source& source, const Descriptor& descriptor,
                                const Limits& limits) {
  Documents documents{.manifest = {.config = descriptor}};
  ASSIGN_OR_RETURN(documents.manifest_text, source.ReadBlob(descriptor, limits.json_bytes));
  const std::string manifest_name = "manifest " + descriptor.digest.text();
  ASSIGN_OR_RETURN(documents.manifest, ParseManifest(documents.manifest_text), manifest_name);

  const Descriptor& config = documents.manifest.config;
  ASSIGN_OR_RETURN(documents.config_text, source.ReadBlob(config, limits.json_bytes));
  ASSIGN_OR_RETURN(documents.config, ParseImageConfig(documents.config_text),
                   "configuration " + config.digest.text());
  RETURN_IF_ERROR(CheckLayers(documents, limits.layers), manifest_name);
  return documents;
}

Result<> CheckPlatform(const Platform& platform) {
  const Platform host = Platform::Host();
  if (platform == host) return {};
  return Fail(Code::kInvalidArgument, "the image is for {}, this machine is {}", platform.text(),
              host.text());
}

Result<CatalogEntry> NameImage(const Selected& selected, const Documents& documents) {
  CatalogEntry entry{
      .id = documents.manifest.config.digest,
      .manifest = selected.manifest.digest,
      .blob_bytes = documents.manifest_text.size() + documents.config_text.size(),
  };
  if (selected.name.empty()) return entry;
  ASSIGN_OR_RETURN(Reference reference, Reference::Parse(selected.name));
  if (!reference.tag.empty()) entry.tags.push_back(reference.NameWithTag());
  reference.digest = selected.published;  // what the layout claims is not what was checked
  entry.digests.push_back(reference.NameWithDigest());
  return entry;
}

Result<> StoreBlob(const Paths& paths, const Digest& digest, const std::string& content) {
  return WriteFileAtomically(paths.Blob(digest), content);
}

}  // namespace

Result<ImportedImage> ImportImage(const Source& source, const Selected& selected,
                                  LayerTransaction::Place place) {
  const Paths& paths = place.paths;
  ASSIGN_OR_RETURN(const Documents documents,
                   ReadDocuments(source, selected.manifest, place.limits));
  RETURN_IF_ERROR(CheckPlatform(documents.config.platform));
  ASSIGN_OR_RETURN(CatalogEntry entry, NameImage(selected, documents));

  LayerTransaction transaction(std::move(place));
  for (size_t i = 0; i < documents.manifest.layers.size(); ++i) {
    const Descriptor& layer = documents.manifest.layers[i];
    RETURN_IF_ERROR(transaction.Add(source, layer, documents.config.diff_ids[i]),
                    fmt::format("layer {} ({})", i, layer.digest.text()));
  }
  ASSIGN_OR_RETURN(std::vector<PlacedLayer> layers, std::move(transaction).Commit());
  RETURN_IF_ERROR(StoreBlob(paths, entry.manifest, documents.manifest_text));
  RETURN_IF_ERROR(StoreBlob(paths, entry.id, documents.config_text));
  for (const PlacedLayer& layer : layers) entry.chain_ids.push_back(layer.chain_id);
  return ImportedImage{std::move(entry), documents.config.config, std::move(layers)};
}

Result<Config> ReadStoredConfig(const Paths& paths, const Digest& id) {
  const auto file = paths.Blob(id);
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  if (Digest::Of(text) != id) return Fail(Code::kDataLoss, "{}: damaged", file.native());
  ASSIGN_OR_RETURN(ImageConfig config, ParseImageConfig(text), file.native());
  return std::move(config.config);
}

}  // namespace trivet::image
