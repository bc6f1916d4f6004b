#include "csi/forward/endpoints.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "common/base/text.h"
#include "csi/service/plugin.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && rest == text.data() + text.size() && port != 0;
}

Result<std::pair<std::string, std::string>> ParseEntry(const std::string& entry) {
  const size_t equals = entry.find('=');
  if (equals == std::string::npos) return Fail(Code::kInvalidArgument, "want NAME=ADDRESS");
  std::pair<std::string, std::string> parsed(entry.substr(0, equals), entry.substr(equals + 1));
  RETURN_IF_ERROR(CheckNodeId(parsed.first));
  RETURN_IF_ERROR(CheckAddress(parsed.second));
  return parsed;
}

}  // namespace

bool IsUnix(std::string_view address) {
  return address.starts_with(kUnixPrefix);
}

std::filesystem::path SocketOf(std::string_view address) {
  return address.substr(kUnixPrefix.size());
}

Result<> CheckAddress(std::string_view address) {
  if (IsUnix(address)) {
    if (SocketOf(address).is_absolute()) return {};
    return Fail(Code::kInvalidArgument, "address {}: want unix:/PATH", address);
  }
  const size_t colon = address.rfind(':');
  const bool fits = colon != std::string_view::npos && colon > 0 &&
                    IsPort(address.substr(colon + 1)) && address.find('/') == std::string::npos;
  if (fits) return {};
  return Fail(Code::kInvalidArgument, "address \"{}\": want HOST:PORT or unix:/PATH", address);
}

Result<Endpoints> ParseEndpoints(const std::vector<std::string>& entries) {
  Endpoints endpoints;
  for (const std::string& entry : entries) {
    ASSIGN_OR_RETURN(auto parsed, ParseEntry(entry), fmt::format("node endpoint \"{}\"", entry));
    if (!endpoints.insert(parsed).second) {
      return Fail(Code::kInvalidArgument, "node endpoint \"{}\": node {} is named twice", entry,
                  parsed.first);
    }
  }
  return endpoints;
}

std::vector<std::string> EntriesOf(std::string_view text) {
  std::vector<std::string> entries;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::string_view entry = WithoutBlanks(line);
    if (!entry.empty() && entry.front() != '#') entries.emplace_back(entry);
  }
  return entries;
}

}  // namespace trivet::csi
