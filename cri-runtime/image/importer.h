#pragma once

#include <filesystem>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/catalog.h"
#include "cri-runtime/image/image.h"
#include "cri-runtime/image/layer_store.h"
#include "cri-runtime/image/select.h"

namespace trivet::image {

/// An image whose parts are all in place; only the record does not know it yet.
struct ImportedImage {
  CatalogEntry entry;
  Config config;
  std::vector<PlacedLayer> layers;
};

/// Brings one image of a layout into the store's folders: manifest,
/// configuration, names, layers, blobs, in this order, so that what is cheap to refuse is
/// refused before anything is unpacked.
/// Errors: as Store::Import.
Result<ImportedImage> ImportImage(const Source& source, const Selected& selected,
                                  LayerTransaction::Place place);

/// The configuration of an image that is in the store.
/// Errors: kNotFound, kDataLoss when the blob is damaged.
Result<Config> ReadStoredConfig(const Paths& paths, const Digest& id);

}  // namespace trivet::image
