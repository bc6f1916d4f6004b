#include "tests/integration/cri/cri_daemon.h"

#include <grpcpp/create_channel.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/linux/command.h"
#include "common/linux/file.h"

namespace trivet::testing {
namespace {

constexpr auto kStartPatience = std::chrono::seconds(20);

std::filesystem::path BinDir() {
  return std::getenv("TRIVET_BIN_DIR");
}

// By a call, not by a watch of the channel: that has a queue and a timer for each change of its
// state, and more ways to go wrong while the socket is not there yet.
Result<> AwaitAnswer(::runtime::v1::RuntimeService::Stub& runtime) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + kStartPatience);
  ::runtime::v1::VersionResponse version;
  const grpc::Status status = runtime.Version(&context, {}, &version);
  if (status.ok()) return {};
  return Fail(Code::kDeadlineExceeded, "trivet-cri does not answer: {}", status.error_message());
}

}  // namespace

Result<CriDaemon> CriDaemon::Start(const Folders& folders) {
  RETURN_IF_ERROR(EnsureDirectory(folders.run));
  const std::filesystem::path socket = folders.run / "cri.sock";
  const std::filesystem::path config = folders.run / "cri.json";
  RETURN_IF_ERROR(WriteFileVolatile(config, folders.config));
  Command command{.program = BinDir() / "trivet-cri",
                  .args = {"--config", config, "--socket", socket, "--state-dir", folders.state,
                           "--run-dir", folders.run, "--cni-config-dir", folders.cni_config,
                           "--shim", folders.shim.empty() ? BinDir() / "trivet-shim" : folders.shim,
                           "--cgroup-parent", folders.cgroup_parent}};
  for (const std::string& directory : folders.cni_bin) {
    command.args.insert(command.args.end(), {"--cni-bin-dir", directory});
  }
  CriDaemon daemon;
  ASSIGN_OR_RETURN(daemon.child_, StartCommand(command, {{2, STDERR_FILENO}}));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a restart is a new connection
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  const auto channel = grpc::CreateCustomChannel("unix:" + socket.native(),
                                                 grpc::InsecureChannelCredentials(), arguments);
  daemon.runtime_ = ::runtime::v1::RuntimeService::NewStub(channel);
  daemon.images_ = ::runtime::v1::ImageService::NewStub(channel);
  RETURN_IF_ERROR(AwaitAnswer(*daemon.runtime_), socket.native());
  return daemon;
}

CriDaemon::CriDaemon(CriDaemon&& other) noexcept
    : child_(std::exchange(other.child_, std::nullopt)),
      runtime_(std::move(other.runtime_)),
      images_(std::move(other.images_)) {}

CriDaemon::~CriDaemon() {
  Kill();
}

void CriDaemon::Kill() {
  if (!child_) return;
  static_cast<void>(SendSignal(child_->pidfd, SIGKILL));
  static_cast<void>(Reap(child_->pidfd));
  child_.reset();
}

void CriDaemon::Hangup() const {
  static_cast<void>(SendSignal(child_->pidfd, SIGHUP));
}

int CriDaemon::Stop() {
  // A server that stops waits some seconds for its clients' connections.
  runtime_.reset();
  images_.reset();
  static_cast<void>(SendSignal(child_->pidfd, SIGTERM));
  const auto code = Reap(child_->pidfd);
  child_.reset();
  return code ? *code : -1;
}

}  // namespace trivet::testing
