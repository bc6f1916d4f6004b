#include "cri-runtime/image/garbage.h"

#include <cstdio>
#include <set>

#include "common/linux/file.h"

namespace trivet::image {
namespace {

struct Needed {
  std::set<std::string> layers;
  std::set<std::string> blobs;
};

Needed NeededBy(const Catalog& catalog) {
  Needed needed;
  for (const CatalogEntry& entry : catalog.entries()) {
    needed.blobs.insert(entry.id.hex());
    needed.blobs.insert(entry.manifest.hex());
    for (const Digest& chain_id : entry.chain_ids) needed.layers.insert(chain_id.hex());
  }
  return needed;
}

// Moves what `needed` does not have; the prefix keeps names of several folders apart.
Result<> MoveRest(const std::filesystem::path& folder, const std::set<std::string>& needed,
                  const std::filesystem::path& bin, const std::string& prefix) {
  ASSIGN_OR_RETURN(const auto names, ListDirectory(folder));
  for (const std::string& name : names) {
    if (needed.contains(name)) continue;
    const auto from = folder / name;
    if (::rename(from.c_str(), (bin / (prefix + name)).c_str()) != 0) {
      return FailErrno("rename {}", from.native());
    }
  }
  return {};
}

}  // namespace

Result<ScratchDirectory> MoveGarbage(const Paths& paths, const Catalog& catalog) {
  const Needed needed = NeededBy(catalog);
  ASSIGN_OR_RETURN(ScratchDirectory bin, ScratchDirectory::Make(paths.Temporary()));
  RETURN_IF_ERROR(MoveRest(paths.Layers(), needed.layers, bin.path(), "layer-"));
  RETURN_IF_ERROR(MoveRest(paths.Blobs(), needed.blobs, bin.path(), "blob-"));
  return bin;
}

}  // namespace trivet::image
