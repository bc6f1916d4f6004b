#include "cri-runtime/container/user.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <set>

#include "common/base/text.h"
#include "common/linux/file.h"
#include "common/linux/path_in_root.h"

namespace trivet::container {
namespace {

constexpr uint64_t kMaxAccountsBytes = uint64_t{16} << 20;

std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number > static_cast<uint32_t>(std::numeric_limits<int32_t>::max())) return std::nullopt;
  return number;
}

struct Account {
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
};

// The first line of /etc/passwd that `matches`.
std::optional<Account> FindAccount(std::string_view passwd,
                                   const std::function<bool(const Account&)>& matches) {
  for (const std::string_view line : SplitAt(passwd, '\n')) {
    const auto fields = SplitAt(line, ':');
    if (fields.size() < 4) continue;  // a line may end early, behind the numbers
    const auto uid = ParseNumber(fields[2]);
    const auto gid = ParseNumber(fields[3]);
    if (!uid || !gid) continue;
    Account account{std::string(fields[0]), *uid, *gid,
                    std::string(fields.size() > 5 ? fields[5] : "")};
    if (matches(account)) return account;
  }
  return std::nullopt;
}

std::optional<uint32_t> FindGroup(std::string_view group, std::string_view name) {
  for (const std::string_view line : SplitAt(group, '\n')) {
    const auto fields = SplitAt(line, ':');
    if (fields.size() >= 3 && fields[0] == name) {
      if (const auto gid = ParseNumber(fields[2])) return gid;
    }
  }
  return std::nullopt;
}

std::set<uint32_t> GroupsOf(std::string_view group, std::string_view user) {
  std::set<uint32_t> gids;
  for (const std::string_view line : SplitAt(group, '\n')) {
    const auto fields = SplitAt(line, ':');
    if (fields.size() < 4) continue;
    const auto gid = ParseNumber(fields[2]);
    if (gid && std::ranges::count(SplitAt(fields[3], ','), user) != 0) gids.insert(*gid);
  }
  return gids;
}

// A user as a number with what /etc/passwd knows about it, or by name.
Result<Account> FindUser(const std::optional<uint32_t>& uid, const std::string& name,
                         const Accounts& accounts) {
  if (uid) {
    auto account = FindAccount(accounts.passwd, [&](const Account& a) { return a.uid == *uid; });
    return account.value_or(Account{.uid = *uid, .home = *uid == 0 ? "/root" : "/"});
  }
  // A name of digits is a number that somebody wrote as a name (CVE-2026-46680), also one that is
  // too large for a user.
  if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
    if (const auto number = ParseNumber(name)) return FindUser(*number, "", accounts);
    return Fail(Code::kInvalidArgument, "user {} is out of range", name);
  }
  auto account = FindAccount(accounts.passwd, [&](const Account& a) { return a.name == name; });
  if (account) return std::move(*account);
  return Fail(Code::kInvalidArgument, "user \"{}\" is not in the image's /etc/passwd", name);
}

Result<Account> ChooseAccount(const Security& security, const image::User& image_user,
                              const Accounts& accounts) {
  if (security.run_as_user || !security.run_as_username.empty()) {
    return FindUser(security.run_as_user, security.run_as_username, accounts);
  }
  const bool image_says = image_user.uid || !image_user.username.empty();
  ASSIGN_OR_RETURN(Account account,
                   FindUser(image_says ? image_user.uid : 0, image_user.username, accounts),
                   "image user");
  if (image_user.gid) account.gid = *image_user.gid;
  if (!image_user.group.empty()) {
    const auto gid = FindGroup(accounts.group, image_user.group);
    if (!gid) {
      return Fail(Code::kInvalidArgument, "image user: group \"{}\" is not in its /etc/group",
                  image_user.group);
    }
    account.gid = *gid;
  }
  return account;
}

// A home becomes a line of the environment.
bool IsUsableHome(const std::string& home) {
  return home.starts_with("/") &&
         std::ranges::none_of(home, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<std::string> ReadInRoot(int root_fd, const std::string& path) {
  const auto found = OpenInRoot(root_fd, path, O_PATH);
  if (!found && found.error().code() == Code::kNotFound) return std::string();
  if (!found) return std::unexpected(found.error());
  struct stat status{};
  if (::fstat(found->get(), &status) != 0) return FailErrno("stat {}", path);
  // A FIFO would hold us up, and a device may do anything when it is opened.
  if (!S_ISREG(status.st_mode)) return std::string();
  const auto file = OpenInRoot(root_fd, path, O_RDONLY | O_NONBLOCK);
  if (!file) return std::unexpected(file.error());
  return ReadAll(file->get(), path, kMaxAccountsBytes);
}

}  // namespace

Result<User> ResolveUser(const Security& security, const image::User& image_user,
                         const Accounts& accounts) {
  const bool config_says = security.run_as_user || !security.run_as_username.empty();
  if (security.run_as_group && !config_says) {
    return Fail(Code::kInvalidArgument, "run_as_group: needs run_as_user or run_as_username");
  }
  ASSIGN_OR_RETURN(const Account account, ChooseAccount(security, image_user, accounts));

  User user{.uid = account.uid, .gid = security.run_as_group.value_or(account.gid)};
  if (IsUsableHome(account.home)) user.home = account.home;
  std::set<uint32_t> gids{user.gid};
  gids.insert(security.supplemental_groups.begin(), security.supplemental_groups.end());
  if (security.groups_policy == GroupsPolicy::kMerge && !account.name.empty()) {
    gids.merge(GroupsOf(accounts.group, account.name));
  }
  user.additional_gids.assign(gids.begin(), gids.end());
  return user;
}

Result<Accounts> ReadAccounts(int root_fd) {
  Accounts accounts;
  ASSIGN_OR_RETURN(accounts.passwd, ReadInRoot(root_fd, "/etc/passwd"), "image");
  ASSIGN_OR_RETURN(accounts.group, ReadInRoot(root_fd, "/etc/group"), "image");
  return accounts;
}

}  // namespace trivet::container
