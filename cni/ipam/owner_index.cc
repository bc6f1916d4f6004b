#include "cni/ipam/owner_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "cni/hash.h"
#include "cni/ipam/requested.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

constexpr size_t kMaxTextBytes = 4095;  // PATH_MAX, and the closing NUL

std::string Join(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) {
    if (!text.empty()) text += ',';
    text += address.ToString();
  }
  return text;
}

// None when it is no link.
std::optional<std::vector<IpAddress>> ReadLinkText(const std::filesystem::path& link) {
  std::array<char, kMaxTextBytes + 1> text{};
  const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
  std::vector<IpAddress> addresses;
  if (length < 0 && errno == ENOENT) return addresses;
  if (length <= 0) return std::nullopt;
  for (const std::string& part : SplitAtCommas({text.data(), static_cast<size_t>(length)})) {
    if (const auto address = IpAddress::Parse(part)) addresses.push_back(*address);
  }
  return addresses;
}

bool IsModifiedAt(const struct stat& folder, const timespec& time) {
  return folder.st_mtim.tv_sec == time.tv_sec && folder.st_mtim.tv_nsec == time.tv_nsec;
}

bool SetModifiedAt(const std::filesystem::path& folder, const timespec& time) {
  const std::array<timespec, 2> times{timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time};
  return ::utimensat(AT_FDCWD, folder.c_str(), times.data(), 0) == 0;
}

}  // namespace

OwnerIndex::OwnerIndex(const std::filesystem::path& folder, const std::filesystem::path& kept_in)
    : folder_(folder),
      index_(kept_in /
             fmt::format("{}@{:016x}", folder.filename().native(), Hash(folder.native()))) {
  struct stat folder_info{};
  struct stat index_info{};
  if (::stat(folder_.c_str(), &folder_info) != 0) return;
  const auto mark = ChooseMark(folder_info.st_ino);
  if (!mark) return;
  mark_ = *mark;
  complete_ = IsModifiedAt(folder_info, mark_) && ::stat(index_.c_str(), &index_info) == 0 &&
              IsModifiedAt(index_info, mark_);
}

// A second between 1970 and 2004, in which no clock of ours is. Another index of the same folder
// has another one, and so has a folder that was put in its place.
Result<timespec> OwnerIndex::ChooseMark(ino_t folder) const {
  constexpr uint64_t kSeconds = uint64_t{1} << 30;
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  const uint64_t hash = Hash(fmt::format("{} {} {}", boot_id, index_.native(), folder));
  return timespec{.tv_sec = static_cast<time_t>(1 + hash % kSeconds), .tv_nsec = 0};
}

void OwnerIndex::Mark() {
  if (complete_) complete_ = SetModifiedAt(index_, mark_) && SetModifiedAt(folder_, mark_);
}

std::filesystem::path OwnerIndex::LinkOf(const std::string& container_id) const {
  return index_ / fmt::format("{:016x}", Hash(container_id));
}

std::vector<IpAddress> OwnerIndex::Find(const std::string& container_id) {
  auto addresses = ReadLinkText(LinkOf(container_id));
  if (!addresses) complete_ = false;
  return std::move(addresses).value_or(std::vector<IpAddress>());
}

void OwnerIndex::Write(const std::filesystem::path& link, const std::vector<IpAddress>& addresses) {
  const std::string text = Join(addresses);
  if (::unlink(link.c_str()) != 0 && errno != ENOENT) complete_ = false;
  if (text.empty()) return;
  if (text.size() > kMaxTextBytes || ::symlink(text.c_str(), link.c_str()) != 0) complete_ = false;
}

void OwnerIndex::Add(const std::string& container_id, const IpAddress& address) {
  if (!complete_) return;
  const std::filesystem::path link = LinkOf(container_id);
  if (::symlink(address.ToString().c_str(), link.c_str()) == 0) return;  // its first
  std::vector<IpAddress> addresses = Find(container_id);
  addresses.push_back(address);
  Write(link, addresses);
}

void OwnerIndex::Remove(const std::string& container_id, const IpAddress& address) {
  if (!complete_) return;
  const std::filesystem::path link = LinkOf(container_id);
  std::vector<IpAddress> addresses = Find(container_id);
  if (std::erase(addresses, address) > 0) Write(link, addresses);
}

void OwnerIndex::Rebuild(const std::map<IpAddress, std::string>& reservations) {
  complete_ = EnsureDirectory(index_).has_value();
  std::map<std::filesystem::path, std::vector<IpAddress>> wanted;
  for (const auto& [address, container_id] : reservations) {
    wanted[LinkOf(container_id)].push_back(address);
  }
  const auto there = ListDirectory(index_);
  if (!there) complete_ = false;
  for (const std::string& name : there.value_or(std::vector<std::string>())) {
    if (!wanted.contains(index_ / name)) Write(index_ / name, {});
  }
  for (const auto& [link, addresses] : wanted) {
    if (ReadLinkText(link) != addresses) Write(link, addresses);
  }
  Mark();
}

}  // namespace trivet::cni
