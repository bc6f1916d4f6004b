#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "common/linux/file.h"
#include "common/rpc/logging.h"
#include "common/rpc/server.h"
#include "cri-runtime/daemon.h"

namespace trivet::cri {
namespace {

struct Options {
  std::filesystem::path config_file = "/etc/trivet/cri.json";
  Config config;
  bool check_config = false;
};

constexpr const char* kDefaultFile = "/etc/trivet/cri.json";

Result<> ReadConfigFile(const std::filesystem::path& file, Config& config) {
  const auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound && file == kDefaultFile) return {};
  RETURN_IF_ERROR(text, "configuration");
  RETURN_IF_ERROR(ReadConfig(*text, config), file.native());
  return {};
}

void AddFlags(CLI::App& app, Options& options) {
  Config& config = options.config;
  app.add_option("--config", options.config_file, "configuration file")->capture_default_str();
  app.add_option("--socket", config.socket, "unix socket to serve CRI on")->capture_default_str();
  app.add_option("--state-dir", config.state_dir, "records, images, container layers")
      ->capture_default_str();
  app.add_option("--run-dir", config.run_dir, "shims and network namespaces; void after a reboot")
      ->capture_default_str();
  app.add_option("--cni-config-dir", config.cni_config_dir, "CNI configuration lists")
      ->capture_default_str();
  app.add_option("--cni-bin-dir", config.cni_bin_dirs, "CNI plugins; may be repeated")
      ->capture_default_str();
  app.add_option("--shim", config.shim, "the shim's executable")->capture_default_str();
  app.add_option("--cgroup-root", config.cgroup_root, "where the cgroup hierarchies are mounted")
      ->capture_default_str();
  app.add_option("--cgroup-driver", config.cgroup_driver, "who makes cgroups: cgroupfs or systemd")
      ->capture_default_str();
  app.add_option("--cgroup-parent", config.cgroup_parent,
                 "cgroup, or slice, of pods that name no parent")
      ->capture_default_str();
  app.add_flag("--check-config", options.check_config, "check the configuration and exit");
  app.set_version_flag("--version", std::string("trivet-cri ") + TRIVET_VERSION);
}

// The file, and the flags over it.
Result<Options> ReadOptions(int argc, char** argv, const std::filesystem::path& file) {
  Options options;
  RETURN_IF_ERROR(ReadConfigFile(file, options.config));
  CLI::App app;
  AddFlags(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {  // they were all right the first time
    return Fail(Code::kInternal, "flags: {}", e.what());
  }
  RETURN_IF_ERROR(CheckConfig(options.config), "configuration");
  return options;
}

Result<> Run(int argc, char** argv, const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const Options options, ReadOptions(argc, argv, file));
  if (options.check_config) return {};
  return Serve(options.config, [&]() -> Result<Config> {
    ASSIGN_OR_RETURN(const Options next, ReadOptions(argc, argv, file));
    return next.config;
  });
}

}  // namespace
}  // namespace trivet::cri

int main(int argc, char** argv) {
  trivet::rpc::StartLogging("cri");
  trivet::cri::Options options;
  CLI::App first("Kubernetes container runtime (CRI v1)");
  trivet::cri::AddFlags(first, options);
  CLI11_PARSE(first, argc, argv);

  const trivet::Result<> result = trivet::cri::Run(argc, argv, options.config_file);
  if (result) return EXIT_SUCCESS;
  spdlog::critical("{}", result.error().message());
  return EXIT_FAILURE;
}
