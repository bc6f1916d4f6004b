#include "cri-runtime/image/store.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "cri-runtime/image/garbage.h"
#include "cri-runtime/image/loaded_images.h"
#include "cri-runtime/image/select.h"

namespace trivet::image {
namespace {

Result<> MakeFolders(const Paths& paths) {
  RETURN_IF_ERROR(EnsureDirectory(paths.root));
  RETURN_IF_ERROR(EnsureDirectory(paths.Blobs()));
  RETURN_IF_ERROR(EnsureDirectory(paths.Layers()));
  RETURN_IF_ERROR(EnsureDirectory(paths.Empty(), 0755));
  return EnsureDirectory(paths.Temporary());
}

bool IsFull(const Error& error) {
  return error.sys_errno() == ENOSPC || error.sys_errno() == EDQUOT;
}

std::string Shown(const Location& location) {
  return location.name.empty() ? location.path.native()
                               : fmt::format("{}:{}", location.path.native(), location.name);
}

}  // namespace

/// Two locks, always in this order: `writing_` is held by whoever changes the record,
/// through its fsync; `reading_` protects the members for as long as a copy takes.
/// So List and Find wait for no disk. Neither is held while garbage is deleted: what a function
/// has collected it returns, and who called it lets that go.
class Store::Impl {
 public:
  Impl(Paths paths, const Limits& limits, FileLock lock)
      : paths_(std::move(paths)), limits_(limits), lock_(std::move(lock)) {}

  Result<> Start(const std::vector<Pin>& pins);
  Result<std::vector<Image>> Import(const Location& location);
  [[nodiscard]] std::vector<Image> List() const;
  [[nodiscard]] std::optional<Image> Find(std::string_view reference) const;
  Result<> Remove(std::string_view reference);
  Result<Image> PinFor(std::string_view reference, const std::string& owner);
  Result<> Unpin(const std::string& owner);
  [[nodiscard]] std::optional<Image> PinnedBy(const std::string& owner) const;
  [[nodiscard]] FsUsage Usage() const;

 private:
  using Garbage = std::optional<ScratchDirectory>;

  Result<std::vector<Image>> ImportAll(const Location& location);
  Result<Garbage> EndImport();
  Result<Image> Publish(const ImportedImage& imported);
  Result<> Record(LoadedImages next);
  Result<> RecordWhatIsMissing();
  Result<Garbage> Forget(std::string_view reference);
  Result<Garbage> Release(const std::string& owner);
  Result<Garbage> Collect();
  Result<Garbage> MakeRoom();
  [[nodiscard]] LoadedImages Copy() const;
  [[nodiscard]] std::set<Digest> PinnedIds() const;

  const Paths paths_;
  const Limits limits_;
  const FileLock lock_;
  KeyedMutex chains_;

  std::mutex writing_;
  int imports_ = 0;             // under writing_: while it is not 0, nothing is garbage
  bool is_record_old_ = false;  // under writing_: the record lacks what the members say

  mutable std::mutex reading_;
  LoadedImages images_;
  std::map<std::string, Digest> pins_;  // owner -> image id
};

Result<> Store::Impl::Start(const std::vector<Pin>& pins) {
  RETURN_IF_ERROR(RemoveTree(paths_.Temporary()));
  RETURN_IF_ERROR(MakeFolders(paths_));
  RETURN_IF_ERROR(RemoveAbandonedSiblings(paths_.Record().parent_path()));
  for (const Pin& pin : pins) {
    ASSIGN_OR_RETURN(Digest id, Digest::Parse(pin.image_id), "pin of " + pin.owner);
    pins_.insert_or_assign(pin.owner, std::move(id));
  }
  ASSIGN_OR_RETURN(images_, LoadedImages::Load(paths_, PinnedIds()));
  const std::lock_guard writing(writing_);
  RETURN_IF_ERROR(Record(images_));
  RETURN_IF_ERROR(Collect());
  return {};
}

Result<std::vector<Image>> Store::Impl::Import(const Location& location) {
  {
    const std::lock_guard writing(writing_);
    ++imports_;
  }
  auto imported = ImportAll(location);
  // The import's own result stands; what is left behind is collected by the next one.
  if (const auto garbage = EndImport(); !garbage) {
    spdlog::warn("cannot collect garbage reason=\"{}\"", garbage.error().message());
  }
  return imported;
}

Result<Store::Impl::Garbage> Store::Impl::EndImport() {
  const std::lock_guard writing(writing_);
  --imports_;
  return Collect();
}

Result<std::vector<Image>> Store::Impl::ImportAll(const Location& location) {
  const std::string step = "import " + Shown(location);
  ASSIGN_OR_RETURN(const ScratchDirectory staging, ScratchDirectory::Make(paths_.Temporary()));
  ASSIGN_OR_RETURN(const auto source, OpenSource(location, limits_, staging.path()), step);
  ASSIGN_OR_RETURN(const std::vector<Selected> selected,
                   SelectImages(*source, {Platform::Host(), location.name}, limits_.json_bytes),
                   step);
  std::vector<Image> images;
  std::set<std::string> seen;  // an image may be there under several names
  for (const Selected& one : selected) {
    ASSIGN_OR_RETURN(const ScratchDirectory scratch, ScratchDirectory::Make(paths_.Temporary()));
    ASSIGN_OR_RETURN(const ImportedImage imported,
                     ImportImage(*source, one, {paths_, limits_, chains_, scratch.path()}), step);
    ASSIGN_OR_RETURN(Image image, Publish(imported), step);
    if (seen.insert(image.id).second) images.push_back(std::move(image));
  }
  return images;
}

Result<Image> Store::Impl::Publish(const ImportedImage& imported) {
  const std::lock_guard writing(writing_);
  LoadedImages next = Copy();
  next.Put(imported);
  const Image image = next.Describe(*next.catalog.FindId(imported.entry.id), paths_);
  RETURN_IF_ERROR(Record(std::move(next)));
  return image;
}

// With writing_ held: the disk first, then the members.
Result<> Store::Impl::Record(LoadedImages next) {
  next.catalog.Prune(PinnedIds());
  next.DropUnused();
  RETURN_IF_ERROR(WriteFileAtomically(paths_.Record(), next.catalog.Write()));
  is_record_old_ = false;
  const std::lock_guard reading(reading_);
  images_ = std::move(next);
  return {};
}

// With writing_ held.
Result<Store::Impl::Garbage> Store::Impl::Collect() {
  if (imports_ > 0) return Garbage();
  return MoveGarbage(paths_, images_.catalog);
}

LoadedImages Store::Impl::Copy() const {
  const std::lock_guard reading(reading_);
  return images_;
}

std::set<Digest> Store::Impl::PinnedIds() const {
  const std::lock_guard reading(reading_);
  std::set<Digest> ids;
  for (const auto& [owner, id] : pins_) ids.insert(id);
  return ids;
}

std::vector<Image> Store::Impl::List() const {
  const std::lock_guard reading(reading_);
  std::vector<Image> images;
  for (const CatalogEntry& entry : images_.catalog.entries()) {
    if (!entry.removed) images.push_back(images_.Describe(entry, paths_));
  }
  return images;
}

std::optional<Image> Store::Impl::Find(std::string_view reference) const {
  const std::lock_guard reading(reading_);
  const CatalogEntry* entry = images_.catalog.Find(reference);
  if (entry == nullptr) return std::nullopt;
  return images_.Describe(*entry, paths_);
}

Result<> Store::Impl::Remove(std::string_view reference) {
  RETURN_IF_ERROR(Forget(reference));
  return RecordWhatIsMissing();
}

Result<Store::Impl::Garbage> Store::Impl::Forget(std::string_view reference) {
  const std::lock_guard writing(writing_);
  LoadedImages before;
  {
    // Out of sight first: from here on nobody can pin what is about to go.
    const std::lock_guard reading(reading_);
    const CatalogEntry* entry = images_.catalog.Find(reference);
    if (entry == nullptr) return Garbage();
    before = images_;
    images_.catalog.MarkRemoved(Digest(entry->id));
  }
  auto recorded = Record(Copy());
  if (recorded) return Collect();
  if (IsFull(recorded.error())) {
    if (auto garbage = MakeRoom()) return garbage;
  }
  const std::lock_guard reading(reading_);
  images_ = std::move(before);
  return std::unexpected(std::move(recorded).error());
}

// With writing_ held. A full disk may have no room for the record before the layers are gone. This
// order is safe, too: what the old record has without its layers is forgotten at the next start.
Result<Store::Impl::Garbage> Store::Impl::MakeRoom() {
  if (imports_ > 0) return Fail(Code::kUnavailable, "an import is running");
  LoadedImages next = Copy();
  next.catalog.Prune(PinnedIds());
  ASSIGN_OR_RETURN(Garbage garbage, MoveGarbage(paths_, next.catalog));
  is_record_old_ = true;
  return garbage;
}

Result<> Store::Impl::RecordWhatIsMissing() {
  const std::lock_guard writing(writing_);
  return is_record_old_ ? Record(Copy()) : Result<>();
}

Result<Image> Store::Impl::PinFor(std::string_view reference, const std::string& owner) {
  const std::lock_guard reading(reading_);
  const CatalogEntry* entry = images_.catalog.Find(reference);
  if (entry == nullptr) return Fail(Code::kNotFound, "image {} is not present", reference);
  pins_.insert_or_assign(owner, entry->id);
  return images_.Describe(*entry, paths_);
}

Result<> Store::Impl::Unpin(const std::string& owner) {
  RETURN_IF_ERROR(Release(owner));
  return {};
}

Result<Store::Impl::Garbage> Store::Impl::Release(const std::string& owner) {
  const std::lock_guard writing(writing_);
  bool removed = false;
  {
    const std::lock_guard reading(reading_);
    const auto pin = pins_.find(owner);
    if (pin == pins_.end()) return Garbage();
    const CatalogEntry* entry = images_.catalog.FindId(pin->second);
    removed = entry != nullptr && entry->removed;
    pins_.erase(pin);
  }
  if (!removed) return Garbage();
  RETURN_IF_ERROR(Record(Copy()));
  return Collect();
}

std::optional<Image> Store::Impl::PinnedBy(const std::string& owner) const {
  const std::lock_guard reading(reading_);
  const auto pin = pins_.find(owner);
  if (pin == pins_.end()) return std::nullopt;
  const CatalogEntry* entry = images_.catalog.FindId(pin->second);
  if (entry == nullptr) return std::nullopt;
  return images_.Describe(*entry, paths_);
}

FsUsage Store::Impl::Usage() const {
  const std::lock_guard reading(reading_);
  FsUsage usage{.mountpoint = paths_.root};
  for (const CatalogEntry& entry : images_.catalog.entries()) {
    usage.used_bytes += entry.blob_bytes;
    usage.used_inodes += 2;  // manifest and configuration
  }
  for (const auto& [chain_id, facts] : images_.layers) {
    usage.used_bytes += facts.disk_bytes;
    usage.used_inodes += facts.inodes;
  }
  return usage;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  const Paths paths{std::move(options.root)};
  const std::string step = "image store " + paths.root.native();
  RETURN_IF_ERROR(EnsureDirectory(paths.root), step);
  ASSIGN_OR_RETURN(FileLock lock, FileLock::TryAcquire(paths.Lock()), step);
  auto impl = std::make_unique<Impl>(paths, options.limits, std::move(lock));
  RETURN_IF_ERROR(impl->Start(options.pins), step);
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::vector<Image>> Store::Import(const Location& location) {
  return impl_->Import(location);
}
std::vector<Image> Store::List() const {
  return impl_->List();
}
std::optional<Image> Store::Find(std::string_view reference) const {
  return impl_->Find(reference);
}
Result<> Store::Remove(std::string_view reference) {
  return impl_->Remove(reference);
}
Result<Image> Store::PinFor(std::string_view reference, const std::string& owner) {
  return impl_->PinFor(reference, owner);
}
Result<> Store::Unpin(const std::string& owner) {
  return impl_->Unpin(owner);
}
std::optional<Image> Store::PinnedBy(const std::string& owner) const {
  return impl_->PinnedBy(owner);
}
FsUsage Store::Usage() const {
  return impl_->Usage();
}

}  // namespace trivet::image
