#include "ctl/node/facts.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <sstream>

#include "common/linux/file.h"

namespace trivet::ctl {
namespace {

// "MemTotal:       16315260 kB"
Result<int64_t> ParseMemTotal(std::string_view text) {
  constexpr std::string_view kKey = "MemTotal:";
  const size_t key = text.find(kKey);
  const size_t digit = text.find_first_of("0123456789", key);
  int64_t kibibytes = 0;
  if (key == std::string_view::npos || digit == std::string_view::npos ||
      std::from_chars(text.data() + digit, text.data() + text.size(), kibibytes).ec !=
          std::errc()) {
    return Fail(Code::kInternal, "parse /proc/meminfo: no MemTotal");
  }
  return kibibytes * 1024;
}

Result<std::string> ReadHostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return FailErrno("gethostname");
  return std::string(name.data());
}

}  // namespace

DnsConfig ParseResolvConf(std::string_view text) {
  DnsConfig dns;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    std::vector<std::string> values;
    for (std::string word; words >> word;) values.push_back(word);
    if (key == "nameserver" && !values.empty()) dns.servers.push_back(values.front());
    if (key == "search") dns.searches = values;  // the last one counts
    if (key == "options") dns.options = values;
  }
  return dns;
}

Result<NodeFacts> ReadNodeFacts(const std::filesystem::path& root) {
  NodeFacts facts;
  ASSIGN_OR_RETURN(facts.node_name, ReadHostName());
  ASSIGN_OR_RETURN(const std::string memory, ReadFile(root / "proc/meminfo"), "memory");
  ASSIGN_OR_RETURN(facts.memory_bytes, ParseMemTotal(memory));
  std::error_code error;
  facts.cgroup_v2 = std::filesystem::exists(root / "sys/fs/cgroup/cgroup.controllers", error);
  if (auto resolv_conf = ReadFile(root / "etc/resolv.conf")) {
    facts.dns = ParseResolvConf(*resolv_conf);
  }
  return facts;
}

}  // namespace trivet::ctl
