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

}  // namespace

Result<> MoveGarbage(const Paths& paths, const Catalog& catalog, const ScratchDirectory& bin) {
  const Needed needed = NeededBy(catalog);
  ASSIGN_OR_RETURN(const auto layers, ListDirectory(paths.Layers()));
  for (const std::string& name : layers) {
    if (needed.layers.contains(name)) continue;
    const auto layer = paths.Layers() / name;
    if (::rename(layer.c_str(), (bin.path() / name).c_str()) != 0) {
      return FailErrno("rename {}", layer.native());
    }
  }
  ASSIGN_OR_RETURN(const auto blobs, ListDirectory(paths.Blobs()));
  for (const std::string& name : blobs) {
    if (!needed.blobs.contains(name)) RETURN_IF_ERROR(RemoveFile(paths.Blobs() / name));
  }
  return {};
}

}  // namespace trivet::image
