#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/keyed_mutex.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/paths.h"
#include "cri-runtime/image/source.h"
#include "cri-runtime/image/unpack.h"

namespace trivet::image {

/// A layer in its place.
struct PlacedLayer {
  Digest chain_id;
  LayerFacts facts;
};

/// The chain-id of a layer: it names the layer together with all below it.
/// `below` is nothing for the lowest.
/// Source: OCI image specification, config.md "Layer ChainID".
Digest ChainId(const std::optional<Digest>& below, const Digest& diff_id);

/// A layer that is complete on disk. Errors: kNotFound, and whatever is wrong with its record.
Result<PlacedLayer> ReadPlacedLayer(const Paths& paths, const Digest& chain_id);

/// Unpacks the layers of one image, lowest first, and puts them in place together: one
/// sync for all. Layers that are in place already are taken as they are. A layer that
/// another import is unpacking is waited for; imports lock along a path of the tree of
/// chain-ids, from the root, so they cannot wait for each other in a circle.
class LayerTransaction {
 public:
  struct Place {
    const Paths& paths;
    const Limits& limits;
    KeyedMutex& chains;
    std::filesystem::path scratch;  // an empty folder on the store's file system
  };
  explicit LayerTransaction(Place place) : place_(std::move(place)) {}

  /// The next layer upwards.
  Result<> Add(const Source& source, const Descriptor& layer, const Digest& diff_id);
  /// Errors: what was unpacked stays invisible.
  Result<std::vector<PlacedLayer>> Commit() &&;

 private:
  Result<> Unpack(const Source& source, const Descriptor& layer, const Digest& diff_id);

  Place place_;
  std::vector<KeyedMutex::Guard> guards_;
  std::vector<PlacedLayer> layers_;
  std::vector<std::filesystem::path> roots_;  // highest first
  std::vector<size_t> fresh_;                 // indexes into layers_
  uint64_t unpacked_bytes_ = 0;
};

}  // namespace trivet::image
