#pragma once

#include <map>
#include <set>
#include <string>

#include "cri-runtime/image/catalog.h"
#include "cri-runtime/image/image.h"
#include "cri-runtime/image/importer.h"

namespace trivet::image {

/// The catalog together with what its entries mean: configurations and layers.
/// A value: a change is made to a copy, recorded, and then takes the place of the old one.
struct LoadedImages {
  Catalog catalog;
  std::map<Digest, Config> configs;     // by image id
  std::map<Digest, LayerFacts> layers;  // by chain-id

  /// Reads what images.json says and what the disk has. Images with a missing or damaged part are
  /// left out, with a warning in the log: they can be imported again. Of `pinned` ones, which
  /// containers run from, the entry stays as that of a removed image: what is left of their layers
  /// is in use. Errors: kFailedPrecondition for a layer of a newer version, kResourceExhausted when
  /// the process cannot open files; nothing is given up for these.
  static Result<LoadedImages> Load(const Paths& paths, const std::set<Digest>& pinned);

  void Put(const ImportedImage& imported);
  /// Keeps what is left of a damaged image, without a name.
  void KeepRemains(const CatalogEntry& entry, const Paths& paths);
  /// Drops configurations and layers that the catalog no longer refers to.
  void DropUnused();
  [[nodiscard]] Image Describe(const CatalogEntry& entry, const Paths& paths) const;
};

}  // namespace trivet::image
