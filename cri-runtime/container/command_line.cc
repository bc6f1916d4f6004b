#include "cri-runtime/container/command_line.h"

#include <filesystem>
#include <map>
#include <string_view>

namespace trivet::container {
namespace {

constexpr std::string_view kPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view NameOf(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

class Environment {
 public:
  void Set(std::string entry) {
    const std::string name(NameOf(entry));
    const auto [place, is_new] = places_.try_emplace(name, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(entry));
    } else {
      entries_[place->second] = std::move(entry);
    }
  }
  [[nodiscard]] bool Has(const std::string& name) const { return places_.contains(name); }
  [[nodiscard]] std::vector<std::string> Take() && { return std::move(entries_); }

 private:
  std::vector<std::string> entries_;
  std::map<std::string, size_t, std::less<>> places_;
};

}  // namespace

Result<std::vector<std::string>> MergeArgs(const Config& config, const image::Config& image) {
  std::vector<std::string> args = config.command.empty() ? image.entrypoint : config.command;
  const bool image_args = config.command.empty() && config.args.empty();
  const std::vector<std::string>& rest = image_args ? image.cmd : config.args;
  args.insert(args.end(), rest.begin(), rest.end());
  if (args.empty() || args.front().empty()) {
    return Fail(Code::kInvalidArgument, "command: neither the request nor the image names one");
  }
  return args;
}

std::string WorkingDirectory(const Config& config, const image::Config& image) {
  const std::string& named = config.working_dir.empty() ? image.working_dir : config.working_dir;
  return named.empty() ? "/" : std::filesystem::path(named).lexically_normal().native();
}

std::vector<std::string> MergeEnvironment(const Config& config, const image::Config& image,
                                          const User& user, const std::string& hostname) {
  Environment environment;
  environment.Set(std::string(kPath));
  if (!hostname.empty()) environment.Set("HOSTNAME=" + hostname);
  if (config.terminal) environment.Set("TERM=xterm");
  for (const std::string& entry : image.env) environment.Set(entry);
  for (const std::string& entry : config.envs) environment.Set(entry);
  if (!environment.Has("HOME")) environment.Set("HOME=" + user.home);
  return std::move(environment).Take();
}

}  // namespace trivet::container
