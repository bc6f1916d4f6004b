#include "cri-runtime/image/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "cri-runtime/image/beneath.h"
#include "cri-runtime/image/layer_links.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr uint64_t kStatBlockBytes = 512;

// The step's own words, or what the path has that it must not have.
std::unexpected<Error> PathFailure(std::string_view step) {
  const int err = errno;
  if (err == ENOTDIR) return Fail(Code::kInvalidArgument, "the path goes through a file");
  if (err == EEXIST) return Fail(Code::kAlreadyExists, "the layer has this name twice");
  return std::unexpected(Error::FromErrno(err, step));
}

// Of what cannot be opened: a symbolic link, and a device, which would see that.
Result<> OwnAndDate(int parent, const char* name, const Metadata& metadata) {
  if (::fchownat(parent, name, metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return FailErrno("chown to {}:{}", metadata.uid, metadata.gid);
  }
  const std::array<timespec, 2> times{metadata.mtime, metadata.mtime};
  if (::utimensat(parent, name, times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return FailErrno("set times");
  }
  return {};
}

}  // namespace

Result<TreeWriter> TreeWriter::Open(const std::filesystem::path& root,
                                    const std::vector<std::filesystem::path>& lower,
                                    const Limits& limits) {
  UniqueFd root_fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd.valid()) return FailErrno("open {}", root.native());
  ASSIGN_OR_RETURN(LowerFolders folders, LowerFolders::Open(lower));
  TreeWriter writer(std::move(root_fd), std::move(folders), limits);

  ASSIGN_OR_RETURN(const LowerView below, writer.lower_.Find({}), "root");
  RETURN_IF_ERROR(writer.Dress({}, writer.root_, below.folder.value_or(Metadata{})), "root");
  writer.Count(writer.root_.get());
  return writer;
}

Result<> TreeWriter::AddFolder(const EntryPath& path, const Metadata& metadata) {
  if (path.is_root()) return Dress(path, root_, metadata);
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  const bool made = ::mkdirat(parent, path.name().c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return PathFailure("make folder");
  if (made) ++inodes_;
  const UniqueFd folder = OpenBeneath(parent, path.name(), O_RDONLY | O_DIRECTORY);
  if (!folder.valid()) {
    // The name is taken by something else, and that is what EEXIST stands for here.
    if (errno == ELOOP || errno == ENOTDIR) errno = EEXIST;
    return PathFailure("open folder");
  }
  return Dress(parent_real_ / path.name(), folder, metadata);
}

Result<UniqueFd> TreeWriter::AddFile(const EntryPath& path) {
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(parent, path.name().c_str(), kFlags, 0600));
  if (!file.valid()) return PathFailure("create file");
  return file;
}

Result<> TreeWriter::SealFile(const UniqueFd& file, const Metadata& metadata) {
  RETURN_IF_ERROR(ApplyMetadata(file.get(), metadata));
  Count(file.get());
  return {};
}

Result<> TreeWriter::AddSymlink(const EntryPath& path, const std::string& target,
                                const Metadata& metadata) {
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  const char* name = path.name().c_str();
  if (::symlinkat(target.c_str(), parent, name) != 0) return PathFailure("create symbolic link");
  ++inodes_;
  return OwnAndDate(parent, name, metadata);
}

Result<> TreeWriter::AddHardLink(const EntryPath& path, const EntryPath& target) {
  ASSIGN_OR_RETURN(const EntryPath target_folder, RealFolder(target.Parent()), "hard link");
  const UniqueFd target_parent =
      OpenBeneath(root_.get(), target_folder.text(), O_PATH | O_DIRECTORY);
  if (!target_parent.valid()) {
    if (errno != ENOENT) return PathFailure("open hard link target");
    return Fail(Code::kInvalidArgument, "the hard link's target is not in the layer");
  }
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  // Without AT_SYMLINK_FOLLOW a symbolic link is linked itself.
  const char* name = path.name().c_str();
  if (::linkat(target_parent.get(), target.name().c_str(), parent, name, 0) != 0) {
    if (errno == ENOENT) {
      return Fail(Code::kInvalidArgument, "the hard link's target is not in the layer");
    }
    return PathFailure("create hard link");
  }
  return {};
}

Result<> TreeWriter::AddFifo(const EntryPath& path, const Metadata& metadata) {
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  if (::mkfifoat(parent, path.name().c_str(), 0600) != 0) return PathFailure("create fifo");
  // A reader does not wait for a writer with O_NONBLOCK.
  const UniqueFd fifo = OpenBeneath(parent, path.name(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (!fifo.valid()) return PathFailure("open fifo");
  RETURN_IF_ERROR(ApplyMetadata(fifo.get(), metadata));
  Count(fifo.get());
  return {};
}

Result<> TreeWriter::AddDevice(const EntryPath& path, const Device& device,
                               const Metadata& metadata) {
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  const char* name = path.name().c_str();
  const mode_t type = device.is_block ? S_IFBLK : S_IFCHR;
  if (::mknodat(parent, name, type | 0600U, makedev(device.major, device.minor)) != 0) {
    if (errno != EPERM) return PathFailure("make device node");
    return Fail(Code::kPermissionDenied,
                "a device node ({} {}:{}): making it takes CAP_MKNOD, outside of user namespaces",
                device.is_block ? "block" : "char", device.major, device.minor);
  }
  ++inodes_;
  RETURN_IF_ERROR(OwnAndDate(parent, name, metadata));
  // By name, which is ours since it was made.
  if (::fchmodat(parent, name, metadata.mode, 0) != 0) {
    return FailErrno("chmod to {:o}", metadata.mode);
  }
  return {};
}

Result<> TreeWriter::AddWhiteout(const EntryPath& path) {
  // Links that come later say nothing about this one.
  ASSIGN_OR_RETURN(const EntryPath folder, RealFolder(path.Parent()));
  whiteouts_.push_back((folder / path.name()).text());
  return KeepPath(whiteouts_.back().size());
}

Result<> TreeWriter::MakeOpaque(const EntryPath& folder) {
  ASSIGN_OR_RETURN(const EntryPath real, RealFolder(folder));
  ASSIGN_OR_RETURN(const UniqueFd fd, EnsureFolder(real));
  if (::fsetxattr(fd.get(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
    return FailErrno("set xattr trusted.overlay.opaque");
  }
  return {};
}

Result<> TreeWriter::Finish() {
  for (const std::string& text : whiteouts_) {
    ASSIGN_OR_RETURN(const EntryPath path, EntryPath::Parse(text, limits_.path_depth));
    RETURN_IF_ERROR(MakeWhiteout(path), fmt::format("whiteout of '{}'", Printable(text)));
  }
  for (const auto& [text, mtime] : folder_times_) {
    const UniqueFd folder = OpenBeneath(root_.get(), text, O_RDONLY | O_DIRECTORY);
    if (!folder.valid()) return PathFailure("open folder");
    const std::array<timespec, 2> times{mtime, mtime};
    if (::futimens(folder.get(), times.data()) != 0) return FailErrno("set times");
  }
  return {};
}

Result<> TreeWriter::MakeWhiteout(const EntryPath& path) {
  if (IsHidden(path.Parent())) return {};
  ASSIGN_OR_RETURN(const int parent, ParentOf(path));
  const char* name = path.name().c_str();
  // Overlay's whiteout is a character device 0:0, which no driver answers.
  if (::mknodat(parent, name, S_IFCHR, makedev(0, 0)) == 0) {
    ++inodes_;
    return {};
  }
  if (errno != EEXIST) return FailErrno("create whiteout");
  if (path.text() == hidden_link_) hidden_link_.clear();  // that is what it is for
  struct stat info{};
  if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return FailErrno("stat");
  return S_ISDIR(info.st_mode) ? MakeOpaque(path) : Result<>();
}

Result<UniqueFd> TreeWriter::OpenFolder(const EntryPath& path) const {
  UniqueFd folder = OpenBeneath(root_.get(), path.text(), O_RDONLY | O_DIRECTORY);
  if (!folder.valid()) return PathFailure("open folder");
  return folder;
}

Result<UniqueFd> TreeWriter::EnsureFolder(const EntryPath& path) {
  auto folder = OpenFolder(path);
  if (folder || folder.error().code() != Code::kNotFound) return folder;
  return MakeImplicitFolder(path);
}

Result<UniqueFd> TreeWriter::MakeImplicitFolder(const EntryPath& path) {
  ASSIGN_OR_RETURN(const UniqueFd parent, EnsureFolder(path.Parent()));
  // The tar's entries are counted by who reads it; one entry may bring hundreds of these.
  if (inodes_ > limits_.entries_per_layer) {
    return Fail(Code::kResourceExhausted,
                "more than {} entries, with the folders of their paths (imageEntriesLimit)",
                limits_.entries_per_layer);
  }
  if (::mkdirat(parent.get(), path.name().c_str(), 0755) != 0) return PathFailure("make folder");
  ++inodes_;
  ASSIGN_OR_RETURN(UniqueFd folder, OpenFolder(path));
  ASSIGN_OR_RETURN(const LowerView below, lower_.Find(path));
  if (below.is_link && hidden_link_.empty()) hidden_link_ = path.text();
  RETURN_IF_ERROR(Dress(path, folder, below.folder.value_or(Metadata{})));
  return folder;
}

Result<EntryPath> TreeWriter::RealFolder(const EntryPath& folder) const {
  const UniqueFd found = OpenBeneath(root_.get(), folder.text(), O_PATH | O_DIRECTORY);
  if (found.valid() || errno != ELOOP) return folder;
  return FollowLinks(root_.get(), folder, limits_.path_depth);
}

// Whether the layer has a link or a file on the way, behind which nothing of the layers below is
// seen.
bool TreeWriter::IsHidden(const EntryPath& folder) const {
  const UniqueFd found = OpenBeneath(root_.get(), folder.text(), O_PATH | O_DIRECTORY);
  return !found.valid() && (errno == ELOOP || errno == ENOTDIR);
}

Result<int> TreeWriter::ParentOf(const EntryPath& path) {
  const EntryPath parent = path.Parent();
  std::string text = parent.text();
  if (!parent_.valid() || text != parent_path_) {
    ASSIGN_OR_RETURN(parent_real_, RealFolder(parent));
    ASSIGN_OR_RETURN(parent_, EnsureFolder(parent_real_));
    parent_path_ = std::move(text);
  }
  return parent_.get();
}

Result<> TreeWriter::Dress(const EntryPath& path, const UniqueFd& folder,
                           const Metadata& metadata) {
  RETURN_IF_ERROR(ApplyMetadata(folder.get(), metadata));
  std::string text = path.text();
  const size_t bytes = text.size();
  const bool is_new = folder_times_.insert_or_assign(std::move(text), metadata.mtime).second;
  return is_new ? KeepPath(bytes) : Result<>();
}

Result<> TreeWriter::KeepPath(size_t bytes) {
  kept_path_bytes_ += bytes;
  if (kept_path_bytes_ <= limits_.kept_path_bytes) return {};
  return Fail(Code::kResourceExhausted,
              "the paths of folders and whiteouts take more than {} bytes (imageEntriesLimit)",
              limits_.kept_path_bytes);
}

void TreeWriter::Count(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return;
  ++inodes_;
  disk_bytes_ += static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes;
}

}  // namespace trivet::image
