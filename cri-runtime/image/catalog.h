#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/digest.h"

namespace trivet::image {

/// What the store knows of one image.
struct CatalogEntry {
  Digest id;        // of the configuration
  Digest manifest;  // of the manifest it was imported with
  std::vector<std::string> tags;
  std::vector<std::string> digests;
  std::vector<Digest> chain_ids;  // of its layers, lowest first
  uint64_t blob_bytes = 0;        // manifest and configuration
  bool removed = false;           // kept only because a container uses it
};

/// The images of the store and their names, without any disk: images.json is its
/// text. A name belongs to one image at most.
class Catalog {
 public:
  /// Errors: kInvalidArgument; kFailedPrecondition for a newer version.
  static Result<Catalog> Parse(std::string_view text);
  [[nodiscard]] std::string Write() const;

  /// Adds an image, or its new names to the one of the same id. Its tags are taken
  /// from the images that had them.
  void Put(CatalogEntry entry);
  /// The image loses its names and is no longer found.
  void MarkRemoved(const Digest& id);
  /// Forgets removed images that are not in `pinned` (ids).
  void Prune(const std::set<Digest>& pinned);
  /// Forgets an image that cannot be used.
  void Erase(const Digest& id);

  /// As Store::Find; null when there is none, borrowed until the next change.
  [[nodiscard]] const CatalogEntry* Find(std::string_view reference) const;
  /// Also a removed one.
  [[nodiscard]] const CatalogEntry* FindId(const Digest& id) const;
  /// Sorted by id; also the removed ones.
  [[nodiscard]] const std::vector<CatalogEntry>& entries() const { return entries_; }

 private:
  std::vector<CatalogEntry> entries_;
};

}  // namespace trivet::image
