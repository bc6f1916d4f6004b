#include "cni/ipam/reservation_store.h"

#include "common/linux/file.h"

namespace trivet::cni {
namespace {

// A file of ours holds two names; a foreign one of any size is not read into memory.
constexpr uint64_t kMaxFileBytes = 4096;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace(" \t\r\n\0", 5);
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// What a writer left that died between creating its sibling and renaming it (WriteFileVolatile).
// All writers hold the lock, so it is nobody's.
bool IsAbandonedSibling(const std::string& name) {
  return name.starts_with('.') && name.ends_with(".tmp");
}

}  // namespace

std::optional<Owner> ParseOwner(std::string_view content) {
  const std::string_view text = Trim(content);
  if (text.empty()) return std::nullopt;
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return Owner{std::string(text), {}};
  return Owner{std::string(Trim(text.substr(0, line_end))),
               std::string(Trim(text.substr(line_end)))};
}

Result<ReservationStore> ReservationStore::Open(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder, 0755));
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(folder / "lock"));
  return ReservationStore(folder, std::move(lock));
}

Result<std::optional<ReservationStore>> ReservationStore::OpenExisting(
    const std::filesystem::path& folder) {
  auto lock = FileLock::Acquire(folder / "lock");
  if (!lock && lock.error().code() == Code::kNotFound) return std::nullopt;
  if (!lock) return std::unexpected(std::move(lock).error());
  return ReservationStore(folder, std::move(*lock));
}

std::filesystem::path ReservationStore::FileOf(const IpAddress& address) const {
  return folder_ / address.ToString();
}

Result<std::optional<Owner>> ReservationStore::ReadOwner(const IpAddress& address) const {
  auto content = ReadFile(FileOf(address), kMaxFileBytes);
  if (content) return ParseOwner(*content);
  if (content.error().code() == Code::kNotFound) return std::nullopt;
  // Too large to be a reservation: somebody's, whoever it is.
  if (content.error().code() == Code::kOutOfRange) return Owner{};
  return std::unexpected(std::move(content).error());
}

Result<bool> ReservationStore::Reserve(const IpAddress& address, const Owner& owner) {
  ASSIGN_OR_RETURN(const std::optional<Owner> holder, ReadOwner(address));
  if (holder) return false;
  const std::string content = fmt::format("{}\r\n{}", owner.container_id, owner.ifname);
  RETURN_IF_ERROR(WriteFileVolatile(FileOf(address), content, 0644));
  return true;
}

Result<std::vector<IpAddress>> ReservationStore::ListAddresses() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder_));
  std::vector<IpAddress> addresses;
  for (const std::string& name : names) {
    const auto address = IpAddress::Parse(name);
    // Another spelling of an address is not host-local's file for it.
    if (address && address->ToString() == name) addresses.push_back(*address);
  }
  return addresses;
}

Result<std::map<IpAddress, Owner>> ReservationStore::List() const {
  ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses, ListAddresses());
  std::map<IpAddress, Owner> owners;
  for (const IpAddress& address : addresses) {
    ASSIGN_OR_RETURN(const std::optional<Owner> owner, ReadOwner(address));
    if (owner) owners.emplace(address, *owner);
  }
  return owners;
}

Result<std::vector<IpAddress>> ReservationStore::FindByOwner(const Owner& owner) const {
  ASSIGN_OR_RETURN(const auto owners, List());
  std::vector<IpAddress> found;
  for (const auto& [address, holder] : owners) {
    const bool same_interface = holder.ifname == owner.ifname || holder.ifname.empty();
    if (holder.container_id == owner.container_id && same_interface) found.push_back(address);
  }
  return found;
}

Result<> ReservationStore::Release(const IpAddress& address, const Owner& owner) {
  ASSIGN_OR_RETURN(const std::optional<Owner> holder, ReadOwner(address));
  if (!holder || holder->container_id != owner.container_id) return {};
  if (!holder->ifname.empty() && holder->ifname != owner.ifname) return {};
  return Release(address);
}

Result<> ReservationStore::RemoveAbandoned() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder_));
  for (const std::string& name : names) {
    if (IsAbandonedSibling(name)) RETURN_IF_ERROR(RemoveFile(folder_ / name));
  }
  return {};
}

Result<> ReservationStore::Release(const IpAddress& address) {
  return RemoveFile(FileOf(address));
}

std::optional<IpAddress> ReservationStore::LastReserved(size_t index) const {
  const auto content = ReadFile(folder_ / fmt::format("last_reserved_ip.{}", index), kMaxFileBytes);
  if (!content) return std::nullopt;  // a hint: the next allocation starts at the front
  const auto address = IpAddress::Parse(Trim(*content));
  return address ? std::optional(*address) : std::nullopt;
}

Result<> ReservationStore::SetLastReserved(size_t index, const IpAddress& address) {
  return WriteFileVolatile(folder_ / fmt::format("last_reserved_ip.{}", index), address.ToString(),
                           0644);
}

}  // namespace trivet::cni
