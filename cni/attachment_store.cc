#include "cni/attachment_store.h"

#include <fcntl.h>

#include <algorithm>

#include "cni/hash.h"
#include "common/linux/file.h"
#include "common/linux/state_file.h"

namespace trivet::cni {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr uint64_t kMaxRecordBytes = uint64_t{1} << 20;

// Filled up to a length that most records have, so that one is overwritten by the next.
std::string TextOf(const Attachment& attachment) {
  constexpr size_t kFilledBytes = 512;
  std::string text = json::WritePretty(ToJson(attachment));
  const size_t rest = text.size() % kFilledBytes;
  if (rest != 0) text.append(kFilledBytes - rest - 1, ' ').append(1, '\n');
  return text;
}

std::string NetworkPrefix(const std::string& network) {
  return network + '@';
}

// A key of that record name; where the container id is a hash there, it is in the key, too.
std::optional<AttachmentKey> KeyFromName(const std::string& name) {
  const size_t first = name.find('@');
  const size_t second = first == std::string::npos ? first : name.find('@', first + 1);
  if (second == std::string::npos || name.starts_with('.') || !name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  AttachmentKey key{.network = name.substr(0, first),
                    .container_id = name.substr(first + 1, second - first - 1),
                    .ifname = name.substr(second + 1)};
  key.ifname.resize(key.ifname.size() - kSuffix.size());
  return key;
}

}  // namespace

std::string RecordName(const AttachmentKey& key) {
  constexpr size_t kMaxNameBytes = 200;  // 255, and room for the sibling's name while it is written
  const auto name = [&](const std::string& network, const std::string& container) {
    return fmt::format("{}@{}@{}{}", network, container, key.ifname, kSuffix);
  };
  std::string whole = name(key.network, key.container_id);
  if (whole.size() <= kMaxNameBytes) return whole;
  const std::string hash = fmt::format("+{:016x}", Hash(key.network + '@' + key.container_id));
  return name(key.network, hash);
}

Result<AttachmentLock> AttachmentLock::Acquire(const Paths& paths, const AttachmentKey& key) {
  const std::filesystem::path file = paths.attachment_lock();
  const auto open = [&] { return ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); };
  UniqueFd fd(open());
  if (!fd.valid() && errno == ENOENT) {
    RETURN_IF_ERROR(EnsureDirectory(paths.attachments()));
    fd.reset(open());
  }
  if (!fd.valid()) return FailErrno("open {}", file.native());
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(Hash(RecordName(key)) >> 2);  // in off_t, and its end too
  range.l_len = 1;
  int locked = -1;
  do {
    locked = ::fcntl(fd.get(), F_OFD_SETLKW, &range);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) return FailErrno("lock {}", file.native());
  return AttachmentLock(std::move(fd));
}

Result<std::optional<Attachment>> AttachmentStore::Read(const AttachmentKey& key) const {
  auto content = ReadRegularFile(FileOf(key), kMaxRecordBytes);
  if (!content && content.error().sys_errno() == 0) return std::nullopt;  // no file of ours
  if (!content && content.error().code() == Code::kNotFound) return std::nullopt;
  if (!content) return std::unexpected(std::move(content).error());
  const auto value = json::Parse(*content);
  if (!value) return std::nullopt;
  auto attachment = ParseAttachment(*value);
  if (attachment && attachment->key == key) return std::move(*attachment);
  if (!attachment && attachment.error().code() == Code::kUnimplemented) {
    return std::unexpected(std::move(attachment).error().Wrap(RecordName(key)));
  }
  return std::nullopt;
}

std::filesystem::path AttachmentStore::FileOf(const AttachmentKey& key) const {
  return paths_.attachments() / RecordName(key);
}

// Of one name, so that it is found without a look at all the names.
std::filesystem::path AttachmentStore::SiblingOf(const AttachmentKey& key) const {
  return paths_.attachments() / fmt::format(".{}.tmp", RecordName(key));
}

Result<> AttachmentStore::Write(const Attachment& attachment) const {
  const std::string text = TextOf(attachment);
  ASSIGN_OR_RETURN(const bool overwritten, OverwriteFile(FileOf(attachment.key), text));
  if (overwritten) return {};
  // The first: one that is half-written counts as none, as the one that is not there yet.
  ASSIGN_OR_RETURN(const bool created, CreateFile(FileOf(attachment.key), text));
  if (created) return {};
  return WriteFileThrough(SiblingOf(attachment.key), FileOf(attachment.key), text);
}

Result<> AttachmentStore::Remove(const AttachmentKey& key) const {
  RETURN_IF_ERROR(RemoveFile(SiblingOf(key)));
  return RemoveFile(FileOf(key));
}

Result<> AttachmentStore::RemoveStray(const std::string& network,
                                      const std::vector<AttachmentKey>& kept) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  for (const std::string& name : names) {
    const bool half_written = name.starts_with('.' + NetworkPrefix(network));
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return RecordName(key) == name;
    });
    if (half_written || (name.starts_with(NetworkPrefix(network)) && !known)) {
      RETURN_IF_ERROR(RemoveFile(paths_.attachments() / name));
    }
  }
  return {};
}

Result<std::vector<std::string>> AttachmentStore::Names() const {
  auto names = ListDirectory(paths_.attachments());
  if (!names && names.error().code() == Code::kNotFound) return std::vector<std::string>();
  return names;
}

Result<std::vector<Attachment>> AttachmentStore::List() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  std::vector<Attachment> attachments;
  for (const std::string& name : names) {
    if (name.starts_with('.') || !name.ends_with(kSuffix)) continue;
    const auto content = ReadRegularFile(paths_.attachments() / name, kMaxRecordBytes);
    if (!content) continue;  // removed meanwhile, or no file of ours
    const auto value = json::Parse(*content);
    if (!value) continue;
    auto attachment = ParseAttachment(*value);
    if (attachment) attachments.push_back(std::move(*attachment));
  }
  return attachments;
}

Result<std::vector<Attachment>> AttachmentStore::List(const std::string& network) const {
  ASSIGN_OR_RETURN(std::vector<Attachment> attachments, List());
  std::erase_if(attachments,
                [&](const Attachment& attachment) { return attachment.key.network != network; });
  return attachments;
}

bool AttachmentStore::IsTorn(const AttachmentKey& key) const {
  const auto content = ReadRegularFile(FileOf(key), kMaxRecordBytes);
  if (!content) return false;
  const auto value = json::Parse(*content);
  if (!value) return true;
  const auto attachment = ParseAttachment(*value);
  return !attachment && attachment.error().code() != Code::kUnimplemented;
}

Result<std::vector<AttachmentKey>> AttachmentStore::ListTorn() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  std::vector<AttachmentKey> torn;
  for (const std::string& name : names) {
    const auto key = KeyFromName(name);
    if (key && IsTorn(*key)) torn.push_back(*key);
  }
  return torn;
}

Result<bool> AttachmentStore::HasOthers(const AttachmentKey& key) const {
  const std::string own = RecordName(key);
  const std::string prefix = NetworkPrefix(key.network);
  bool found = false;
  auto visited = VisitDirectory(paths_.attachments(), [&](std::string_view name) {
    found = name != own && name.starts_with(prefix) && name.ends_with(kSuffix);
    return found ? Visit::kStop : Visit::kGoOn;
  });
  if (!visited && visited.error().code() == Code::kNotFound) return false;
  RETURN_IF_ERROR(visited);
  return found;
}

}  // namespace trivet::cni
