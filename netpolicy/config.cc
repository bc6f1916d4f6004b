#include "netpolicy/config.h"

#include "common/base/json.h"
#include "common/linux/file.h"

namespace trivet::netpolicy {
namespace {

Result<> ReadPath(const json::Value& root, std::string_view key, std::filesystem::path& out) {
  std::string text = out.native();
  RETURN_IF_ERROR(json::ReadOptional(root, key, text));
  out = text;
  if (!out.is_absolute()) {
    return Fail(Code::kInvalidArgument, "{}: '{}' is not an absolute path", key, text);
  }
  return {};
}

}  // namespace

Result<std::vector<Range>> ParseRanges(const std::vector<std::string>& texts) {
  std::vector<Range> ranges;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(Range range, Range::ParseCidr(text));
    ranges.push_back(std::move(range));
  }
  return ranges;
}

Result<Config> ParseConfig(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::ParseWithComments(text));
  RETURN_IF_ERROR(json::RejectUnknownKeys(root, {"manifests", "nodeRanges", "socket", "stateDir"}));
  Config config;
  std::vector<std::string> manifests;
  std::vector<std::string> ranges;
  RETURN_IF_ERROR(json::ReadOptional(root, "manifests", manifests));
  RETURN_IF_ERROR(json::ReadOptional(root, "nodeRanges", ranges));
  RETURN_IF_ERROR(ReadPath(root, "socket", config.socket));
  RETURN_IF_ERROR(ReadPath(root, "stateDir", config.state_directory));
  if (!manifests.empty()) config.manifests.assign(manifests.begin(), manifests.end());
  for (const auto& folder : config.manifests) {
    if (!folder.is_absolute()) {
      return Fail(Code::kInvalidArgument, "manifests: '{}' is not an absolute path",
                  folder.native());
    }
  }
  ASSIGN_OR_RETURN(config.node_ranges, ParseRanges(ranges), "nodeRanges");
  return config;
}

Result<Config> LoadConfig(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ASSIGN_OR_RETURN(Config config, ParseConfig(text), file.native());
  return config;
}

}  // namespace trivet::netpolicy
