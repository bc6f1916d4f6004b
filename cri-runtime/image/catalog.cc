#include "cri-runtime/image/catalog.h"

#include <algorithm>

#include "common/base/json.h"
#include "cri-runtime/image/reference.h"

namespace trivet::image {
namespace {

constexpr int kVersion = 1;

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void Merge(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more) {
    if (!Has(names, name)) names.push_back(name);
  }
  std::ranges::sort(names);
}

json::Value ToJson(const CatalogEntry& entry) {
  json::Value layers = json::Value::array();
  for (const Digest& chain_id : entry.chain_ids) layers.push_back(chain_id.text());
  return {{"id", entry.id.text()},       {"manifest", entry.manifest.text()},
          {"tags", entry.tags},          {"digests", entry.digests},
          {"layers", std::move(layers)}, {"blob_bytes", entry.blob_bytes},
          {"removed", entry.removed}};
}

Result<Digest> ReadDigest(const json::Value& object, std::string_view key) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(object, key, text));
  return Digest::Parse(text);
}

Result<CatalogEntry> ParseEntry(const json::Value& object) {
  ASSIGN_OR_RETURN(Digest id, ReadDigest(object, "id"), "id");
  ASSIGN_OR_RETURN(Digest manifest, ReadDigest(object, "manifest"), "manifest");
  CatalogEntry entry{.id = std::move(id), .manifest = std::move(manifest)};
  RETURN_IF_ERROR(json::ReadRequired(object, "tags", entry.tags));
  RETURN_IF_ERROR(json::ReadRequired(object, "digests", entry.digests));
  RETURN_IF_ERROR(json::ReadRequired(object, "blob_bytes", entry.blob_bytes));
  RETURN_IF_ERROR(json::ReadRequired(object, "removed", entry.removed));
  std::vector<std::string> layers;
  RETURN_IF_ERROR(json::ReadRequired(object, "layers", layers));
  for (const std::string& text : layers) {
    ASSIGN_OR_RETURN(Digest chain_id, Digest::Parse(text), "layers");
    entry.chain_ids.push_back(std::move(chain_id));
  }
  return entry;
}

}  // namespace

Result<Catalog> Catalog::Parse(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "version", version));
  if (version > kVersion) {
    return Fail(Code::kFailedPrecondition, "version {} is newer than {}", version, kVersion);
  }
  const auto images = root.find("images");
  if (images == root.end() || !images->is_array()) {
    return Fail(Code::kInvalidArgument, "images: want a list");
  }
  Catalog catalog;
  for (const json::Value& image : *images) {
    ASSIGN_OR_RETURN(CatalogEntry entry, ParseEntry(image), "images");
    catalog.entries_.push_back(std::move(entry));
  }
  std::ranges::sort(catalog.entries_, {}, &CatalogEntry::id);
  return catalog;
}

std::string Catalog::Write() const {
  json::Value images = json::Value::array();
  for (const CatalogEntry& entry : entries_) images.push_back(ToJson(entry));
  return json::WritePretty({{"version", kVersion}, {"images", std::move(images)}});
}

void Catalog::Put(CatalogEntry entry) {
  for (CatalogEntry& other : entries_) {
    std::erase_if(other.tags, [&](const std::string& tag) { return Has(entry.tags, tag); });
  }
  const auto same = std::ranges::find(entries_, entry.id, &CatalogEntry::id);
  if (same != entries_.end()) {
    Merge(entry.tags, same->tags);
    Merge(entry.digests, same->digests);
    *same = std::move(entry);
    return;
  }
  entries_.insert(std::ranges::upper_bound(entries_, entry.id, {}, &CatalogEntry::id),
                  std::move(entry));
}

void Catalog::MarkRemoved(const Digest& id) {
  const auto found = std::ranges::find(entries_, id, &CatalogEntry::id);
  if (found == entries_.end()) return;
  found->removed = true;
  found->tags.clear();
  found->digests.clear();
}

void Catalog::Prune(const std::set<Digest>& pinned) {
  std::erase_if(entries_, [&](const CatalogEntry& entry) {
    return entry.removed && !pinned.contains(entry.id);
  });
}

void Catalog::Erase(const Digest& id) {
  std::erase_if(entries_, [&](const CatalogEntry& entry) { return entry.id == id; });
}

const CatalogEntry* Catalog::FindId(const Digest& id) const {
  const auto found = std::ranges::find(entries_, id, &CatalogEntry::id);
  return found == entries_.end() ? nullptr : &*found;
}

namespace {

const CatalogEntry* FindName(const std::vector<CatalogEntry>& entries, std::string_view text) {
  const auto reference = Reference::Parse(text);
  if (!reference) return nullptr;
  const std::string name =
      reference->digest ? reference->NameWithDigest() : reference->NameWithTag();
  const auto found = std::ranges::find_if(entries, [&](const CatalogEntry& entry) {
    return Has(reference->digest ? entry.digests : entry.tags, name);
  });
  return found == entries.end() ? nullptr : &*found;
}

const CatalogEntry* FindHex(const std::vector<CatalogEntry>& entries, std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  if (!IsHex(text)) return nullptr;
  const CatalogEntry* match = nullptr;
  for (const CatalogEntry& entry : entries) {
    if (entry.removed || !entry.id.hex().starts_with(text)) continue;
    if (match != nullptr) return nullptr;  // more than one: it names none
    match = &entry;
  }
  return match;
}

}  // namespace

const CatalogEntry* Catalog::Find(std::string_view reference) const {
  // A name that happens to be hexadecimal ("cafe") is a name first.
  const CatalogEntry* named = FindName(entries_, reference);
  return named != nullptr ? named : FindHex(entries_, reference);
}

}  // namespace trivet::image
