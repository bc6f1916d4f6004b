#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "ctl/command/debug.h"
#include "ctl/command/doctor.h"
#include "ctl/command/exec.h"
#include "ctl/command/image.h"
#include "ctl/command/logs.h"
#include "ctl/command/play.h"
#include "ctl/command/ps.h"
#include "ctl/command/volume.h"

namespace trivet::ctl {
namespace {

/// Everything the command line can say.
struct Options {
  NodeOptions node;
  PlayOptions play;
  TargetName target;
  LogOptions logs;
  std::vector<std::string> command;
  std::vector<std::string> after_dashes;  // the words after --, of exec
  std::string image;
  std::filesystem::path file;
  std::string volume;
  std::filesystem::path csi_state = "/var/lib/trivet/csi";
  doctor::Host host;
  std::string output = "text";
  int timeout_seconds = 0;
  bool wait = false;

  [[nodiscard]] bool Json() const { return output == "json"; }
};

// What the chosen command does; its exit status.
using Command = std::function<Result<int>()>;

Result<int> Finish(const Result<>& result) {
  if (!result) return std::unexpected(result.error());
  return EXIT_SUCCESS;
}

Result<int> ExecuteCommand(const Options& options) {
  std::vector<std::string> command = options.command;
  command.insert(command.end(), options.after_dashes.begin(), options.after_dashes.end());
  if (command.empty()) return Fail(Code::kInvalidArgument, "exec: a command is required");
  return Execute(options.node.cri_socket, options.target, command, std::chrono::seconds(0));
}

// CLI11 takes a word like [1,2] for a list of words: of what is to be executed it sees nothing.
// Returns how many words are left for it.
int TakeWordsAfterDashes(int argc, char** argv, std::vector<std::string>& out) {
  char** const end = argv + argc;
  char** const dashes = std::find(argv, end, std::string_view("--"));
  if (std::find(argv, dashes, std::string_view("exec")) == dashes) return argc;
  if (dashes != end) out.assign(dashes + 1, end);
  return static_cast<int>(dashes - argv);
}

// As the kubelet's configuration has it, too: unix:///run/trivet/cri.sock.
CLI::Validator SocketPath() {
  return {[](std::string& text) {
            constexpr std::string_view kScheme = "unix://";
            if (text.starts_with(kScheme)) text.erase(0, kScheme.size());
            return std::string();
          },
          ""};
}

void AddNodeOptions(CLI::App& app, Options& options) {
  NodeOptions& node = options.node;
  app.add_option("--cri-socket", node.cri_socket, "socket of the CRI runtime")
      ->envname("TRIVET_CRI_SOCKET")
      ->transform(SocketPath())
      ->capture_default_str();
  app.add_option("--csi-socket", node.csi_socket, "socket of the CSI driver")
      ->envname("TRIVET_CSI_SOCKET")
      ->transform(SocketPath())
      ->capture_default_str();
  app.add_option("--state-dir", node.state_directory, "where run and delete keep what they did")
      ->envname("TRIVET_STATE_DIR")
      ->capture_default_str();
  app.add_option("--manifests", node.manifests, "folder of manifests that trivet-netpolicy reads")
      ->envname("TRIVET_MANIFESTS")
      ->capture_default_str();
  app.add_option("--cgroup-parent", node.cgroup_parent,
                 "cgroup of all pods (default: the runtime's own)");
  app.add_flag("--seccomp-default", node.seccomp_default,
               "containers without a profile get RuntimeDefault, as the kubelet's flag says");
}

void AddOutput(CLI::App& command, Options& options) {
  command.add_option("-o,--output", options.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
}

void AddPlay(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& run = *app.add_subcommand("run", "Play manifests as the kubelet does, once");
  run.add_option("-f,--filename", options.play.manifests, "file or folder of manifests")
      ->required();
  run.add_flag("--wait", options.wait, "wait until the containers run");
  options.timeout_seconds = 60;
  run.add_option("--timeout", options.timeout_seconds, "seconds that --wait waits")
      ->capture_default_str();
  AddOutput(run, options);
  run.callback([&] {
    chosen = [&] {
      options.play.json = options.Json();
      if (options.wait) options.play.wait_timeout = std::chrono::seconds(options.timeout_seconds);
      return Finish(RunManifests(options.node, options.play));
    };
  });

  CLI::App& remove = *app.add_subcommand("delete", "Undo what run did for these manifests");
  remove.add_option("-f,--filename", options.play.manifests, "file or folder of manifests")
      ->required();
  AddOutput(remove, options);
  remove.callback([&] {
    chosen = [&] {
      options.play.json = options.Json();
      return Finish(DeleteManifests(options.node, options.play));
    };
  });
}

void AddTarget(CLI::App& command, TargetName& target) {
  command.add_option("pod", target.pod, "POD or NAMESPACE/POD")->required();
  command.add_option("-c,--container", target.container, "which of its containers");
}

void AddPods(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& ps = *app.add_subcommand("ps", "List pods and containers");
  AddOutput(ps, options);
  ps.callback(
      [&] { chosen = [&] { return Finish(ListPods(options.node.cri_socket, options.Json())); }; });

  CLI::App& logs = *app.add_subcommand("logs", "Print a container's log");
  AddTarget(logs, options.target);
  logs.add_flag("-f,--follow", options.logs.follow, "go on until the container ends");
  logs.add_option("--tail", options.logs.tail, "only the last lines");
  logs.add_flag("--timestamps", options.logs.timestamps, "print when each line was written");
  logs.callback([&] {
    chosen = [&] {
      return Finish(PrintLogs(options.node.cri_socket, options.target, options.logs));
    };
  });

  CLI::App& exec = *app.add_subcommand("exec", "Run a command in a container: POD -- CMD…");
  AddTarget(exec, options.target);
  exec.add_option("command", options.command, "the command and its arguments");
  exec.callback([&] { chosen = [&] { return ExecuteCommand(options); }; });
}

void AddImages(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& image = *app.add_subcommand("image", "Import, list and remove images");
  image.require_subcommand(0, 1);
  CLI::App& import = *image.add_subcommand("import", "Import an OCI layout or archive");
  import.add_option("location", options.image, "oci:FOLDER[:NAME] or oci-archive:FILE[:NAME]")
      ->required();
  import.callback([&] {
    chosen = [&] { return Finish(ImportImage(options.node.cri_socket, options.image)); };
  });
  CLI::App& list = *image.add_subcommand("ls", "List the images of the runtime");
  AddOutput(list, options);
  list.callback([&] {
    chosen = [&] { return Finish(ListImages(options.node.cri_socket, options.Json())); };
  });
  CLI::App& remove = *image.add_subcommand("rm", "Remove an image");
  remove.add_option("name", options.image, "name or id")->required();
  remove.callback([&] {
    chosen = [&] { return Finish(RemoveImage(options.node.cri_socket, options.image)); };
  });
}

void AddVolumeRecords(CLI::App& volume, Options& options, Command& chosen) {
  CLI::App& save = *volume.add_subcommand("export", "Print the CSI driver's records");
  CLI::App& load = *volume.add_subcommand("import", "Put back the records that are not there");
  for (CLI::App* const one : {&save, &load}) {
    one->add_option("--state", options.csi_state, "state folder of trivet-csi")
        ->capture_default_str();
  }
  save.callback(
      [&] { chosen = [&] { return Finish(ExportRecords(options.csi_state, std::cout)); }; });
  load.add_option("-f,--filename", options.file, "what export printed; - is standard input")
      ->required();
  load.callback(
      [&] { chosen = [&] { return Finish(ImportRecords(options.csi_state, options.file)); }; });
}

void AddVolumes(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& volume = *app.add_subcommand("volume", "Look at the volumes of the CSI driver");
  volume.require_subcommand(0, 1);
  CLI::App& list = *volume.add_subcommand("ls", "List the volumes and what is wrong with them");
  AddOutput(list, options);
  list.callback([&] {
    chosen = [&] { return Finish(ListVolumes(options.node.csi_socket, options.Json())); };
  });
  CLI::App& pools = *volume.add_subcommand("pools", "List the pools and what they can still give");
  AddOutput(pools, options);
  pools.callback(
      [&] { chosen = [&] { return Finish(ListPools(options.node.csi_socket, options.Json())); }; });
  CLI::App& show = *volume.add_subcommand("show", "Say all that the driver says of one, as JSON");
  show.add_option("id", options.volume, "its id")->required();
  show.callback([&] {
    chosen = [&] { return Finish(ShowVolume(options.node.csi_socket, options.volume)); };
  });
  CLI::App& orphans =
      *volume.add_subcommand("orphans", "List the volumes that no PersistentVolume names");
  orphans.add_option("-f,--filename", options.file, "kubectl get pv -o json; - is standard input")
      ->required();
  orphans.callback(
      [&] { chosen = [&] { return Finish(ListOrphans(options.node.csi_socket, options.file)); }; });
  AddVolumeRecords(volume, options, chosen);
}

void AddDoctor(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& doctor =
      *app.add_subcommand("doctor", "Say what this node can do, and how to fix what it cannot");
  doctor.add_option("--state", options.host.state, "folder in which the daemons keep their state")
      ->capture_default_str();
  doctor.add_option("--run", options.host.run, "folder of their sockets")->capture_default_str();
  AddOutput(doctor, options);
  doctor.callback([&] { chosen = [&] { return Doctor(options.host, options.Json()); }; });
}

void AddDebug(CLI::App& app, Options& options, Command& chosen) {
  CLI::App& debug = *app.add_subcommand("debug", "What a bug report needs");
  debug.require_subcommand(0, 1);
  CLI::App& dump =
      *debug.add_subcommand("dump", "All that the runtime says about itself, as one JSON document");
  dump.add_option("-f,--file", options.file, "where to write it (default: standard output)");
  dump.callback(
      [&] { chosen = [&] { return Finish(DumpDebug(options.node.cri_socket, options.file)); }; });
}

}  // namespace
}  // namespace trivet::ctl

int main(int argc, char** argv) {
  CLI::App app("The admin's tool of a trivet node");
  app.set_version_flag("--version", "trivetctl " TRIVET_VERSION);
  app.require_subcommand(0, 1);  // not 1: that would hide which word is no command
  trivet::ctl::Options options;
  trivet::ctl::Command chosen;
  AddNodeOptions(app, options);
  AddPlay(app, options, chosen);
  AddPods(app, options, chosen);
  AddImages(app, options, chosen);
  AddVolumes(app, options, chosen);
  AddDoctor(app, options, chosen);
  AddDebug(app, options, chosen);
  argc = trivet::ctl::TakeWordsAfterDashes(argc, argv, options.after_dashes);
  CLI11_PARSE(app, argc, argv);
  if (!chosen) {
    std::cerr << "trivetctl: a command is required; see trivetctl --help\n";
    return EXIT_FAILURE;
  }

  auto status = chosen();
  if (status) return *status;
  std::cerr << "trivetctl: " << status.error().message() << '\n';
  return EXIT_FAILURE;
}
