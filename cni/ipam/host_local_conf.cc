#include "cni/ipam/host_local_conf.h"

#include <algorithm>
#include <span>

#include "cni/ipam/requested.h"
#include "cni/paths.h"
#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::Value;

Result<> AppendRangeSets(const Value& owner, std::string_view key, std::vector<RangeSet>& sets) {
  const auto found = owner.find(key);
  if (found == owner.end() || found->is_null()) return {};
  if (!found->is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", key);
  for (const Value& entry : *found) {
    ASSIGN_OR_RETURN(RangeSet set, ParseRangeSet(entry), key);
    sets.push_back(std::move(set));
  }
  return {};
}

// The runtime's ranges come first, then the single legacy range, then "ranges".
Result<std::vector<RangeSet>> ReadRangeSets(const Value& runtime, const Value& ipam) {
  std::vector<RangeSet> sets;
  RETURN_IF_ERROR(AppendRangeSets(runtime, "ipRanges", sets), "runtimeConfig");
  if (ipam.contains("subnet")) {
    ASSIGN_OR_RETURN(const Range range, ParseRange(ipam), "ipam");
    sets.push_back({range});
  }
  RETURN_IF_ERROR(AppendRangeSets(ipam, "ranges", sets), "ipam");
  if (sets.empty()) return Fail(Code::kInvalidArgument, "ipam: no ranges");
  return sets;
}

Result<> CheckRangeSets(const std::vector<RangeSet>& sets, SpecVersion version) {
  std::array<int, 2> per_family{};
  for (size_t i = 0; i < sets.size(); ++i) {
    ++per_family.at(sets[i].front().first.is_v4() ? 0 : 1);
    for (size_t j = 0; j < i; ++j) {
      if (Overlap(sets[i], sets[j])) {
        return Fail(Code::kInvalidArgument, "ipam: ranges: set {} overlaps set {}", i, j);
      }
    }
  }
  if (version < SpecVersion::k030 && std::max(per_family[0], per_family[1]) > 1) {
    return Fail(Code::kInvalidArgument,
                "CNI version {} does not support more than 1 address per family", Name(version));
  }
  return {};
}

// With or without a prefix length, which the range's replaces.
Result<> AppendAddresses(const std::vector<std::string>& texts, std::vector<IpAddress>& addresses) {
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text.substr(0, text.find('/'))),
                     "requested address");
    // One that is asked for in two ways is one.
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return {};
}

Result<std::vector<IpAddress>> ReadRequested(const Value& root, const Environment& environment) {
  std::vector<IpAddress> requested;
  RETURN_IF_ERROR(AppendAddresses(SplitAtCommas(environment.Arg("IP")), requested), "CNI_ARGS IP");
  ASSIGN_OR_RETURN(const RequestedIps lists, ReadRequestedIps(root));
  for (const RequestedIps::List& list : lists.lists()) {
    RETURN_IF_ERROR(AppendAddresses(list.texts, requested), list.key);
  }
  return requested;
}

}  // namespace

Dns ParseResolvConf(std::string_view text) {
  Dns dns;
  for (const std::string_view line : SplitAt(text, '\n')) {
    const std::vector<std::string> words = SplitWords(line.substr(0, line.find_first_of("#;")));
    if (words.empty()) continue;
    const std::string& keyword = words.front();
    if (keyword == "search") dns.search.clear();  // the last search line counts
    for (const std::string& word : std::span(words).subspan(1)) {
      if (keyword == "nameserver") dns.nameservers.push_back(word);
      if (keyword == "domain") dns.domain = word;
      if (keyword == "search") dns.search.push_back(word);
      if (keyword == "options") dns.options.push_back(word);
    }
  }
  return dns;
}

Result<std::filesystem::path> ReadReservationFolder(const NetConf& conf) {
  ASSIGN_OR_RETURN(const Value ipam, ReadObject(conf.root, "ipam"));
  std::string folder;
  RETURN_IF_ERROR(ReadOptional(ipam, "dataDir", folder), "ipam");
  if (folder.empty()) return Paths(conf.state_folder).networks() / conf.name;
  if (!folder.starts_with('/') || folder.find('\0') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "ipam: dataDir: '{}' is not an absolute path", folder);
  }
  return std::filesystem::path(folder) / conf.name;
}

Result<HostLocalConf> ParseHostLocalConf(const NetConf& conf, const Environment& environment) {
  HostLocalConf host_local;
  ASSIGN_OR_RETURN(host_local.folder, ReadReservationFolder(conf));
  ASSIGN_OR_RETURN(const Value ipam, ReadObject(conf.root, "ipam"));
  ASSIGN_OR_RETURN(const Value runtime, ReadObject(conf.root, "runtimeConfig"));
  ASSIGN_OR_RETURN(host_local.sets, ReadRangeSets(runtime, ipam));
  RETURN_IF_ERROR(CheckRangeSets(host_local.sets, conf.version));
  ASSIGN_OR_RETURN(host_local.routes, ParseRoutes(ipam), "ipam");
  ASSIGN_OR_RETURN(host_local.requested, ReadRequested(conf.root, environment));
  std::string resolv_conf;
  RETURN_IF_ERROR(ReadOptional(ipam, "resolvConf", resolv_conf), "ipam");
  if (!resolv_conf.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(resolv_conf), "ipam: resolvConf");
    host_local.dns = ParseResolvConf(text);
  }
  return host_local;
}

}  // namespace trivet::cni
