#include "csi/forward/serve.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>
#include <optional>

#include "common/linux/file.h"
#include "common/rpc/server.h"
#include "csi/forward/forward_controller.h"
#include "csi/forward/forward_groups.h"
#include "csi/forward/forward_identity.h"
#include "csi/forward/forward_metadata.h"

namespace trivet::csi {
namespace {

// Who the nodes are: the flags' ones and the file's.
class EndpointSource {
 public:
  explicit EndpointSource(const ForwardOptions& options) : options_(options) {}

  // Nothing when the file is as it was.
  Result<std::optional<Endpoints>> Changed() {
    std::string text;
    if (!options_.endpoints_file.empty()) {
      ASSIGN_OR_RETURN(text, ReadFile(options_.endpoints_file), "node endpoints");
    }
    if (text == last_) return std::nullopt;
    last_ = text;
    std::vector<std::string> entries = options_.endpoints;
    for (std::string& entry : EntriesOf(text)) entries.push_back(std::move(entry));
    ASSIGN_OR_RETURN(Endpoints endpoints, ParseEndpoints(entries));
    return endpoints;
  }

 private:
  const ForwardOptions& options_;
  std::optional<std::string> last_;
};

Result<> FollowChange(EndpointSource& source, NodeLinks& links) {
  ASSIGN_OR_RETURN(const auto endpoints, source.Changed());
  if (!endpoints) return {};
  RETURN_IF_ERROR(links.Follow(*endpoints));
  spdlog::info("forwarding to nodes={}", endpoints->size());
  return {};
}

// A file that cannot be read or has an error changes nothing, and is reported once.
int AwaitStopAndFollow(const sigset_t& stop_signals, EndpointSource& source, NodeLinks& links) {
  constexpr timespec kRound{.tv_sec = 1, .tv_nsec = 0};
  std::string reported;
  int signal = 0;
  while ((signal = sigtimedwait(&stop_signals, nullptr, &kRound)) < 0) {
    const auto followed = FollowChange(source, links);
    const std::string problem = followed ? "" : followed.error().message();
    if (!problem.empty() && problem != reported) {
      spdlog::error("nodes stay as they were reason=\"{}\"", problem);
    }
    // The same broken text is not looked at twice; it stays reported until it is read anew.
    if (!problem.empty()) reported = problem;
  }
  return signal;
}

Result<> CheckFlags(const ForwardOptions& options) {
  if (options.endpoints.empty() && options.endpoints_file.empty()) {
    return Fail(Code::kInvalidArgument,
                "--mode=controller: --node-endpoint or --node-endpoints-file is wanted");
  }
  return options.tls.any() ? rpc::CheckTls(options.tls) : Result<>{};
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const ForwardOptions& options) {
  return options.tls.any() ? rpc::ClientCredentials(options.tls) : nullptr;
}

}  // namespace

// Following them connects to none: that is for the first call.
Result<> CheckForwarding(const ForwardOptions& options) {
  RETURN_IF_ERROR(CheckFlags(options));
  NodeLinks links(CredentialsOf(options));
  EndpointSource source(options);
  ASSIGN_OR_RETURN(const auto endpoints, source.Changed());
  return links.Follow(endpoints.value_or(Endpoints()));
}

Result<> ServeForwarding(const ForwardOptions& options) {
  constexpr auto kGrace = std::chrono::seconds(10);
  const sigset_t stop_signals = rpc::BlockStopSignals();  // before any thread exists
  RETURN_IF_ERROR(CheckFlags(options));
  NodeLinks links(CredentialsOf(options));
  EndpointSource source(options);
  RETURN_IF_ERROR(FollowChange(source, links));

  Claims claims(links, options.level);
  ForwardIdentity identity(links, claims);
  ForwardController controller(links, claims);
  ForwardGroups groups(links, claims);
  ForwardMetadata metadata(links);
  ASSIGN_OR_RETURN(auto server,
                   rpc::Server::Start(options.socket, {&identity, &controller, &groups, &metadata}),
                   "start");
  spdlog::info("serving socket={} mode=controller", options.socket.native());
  spdlog::info("stopping signal={}", AwaitStopAndFollow(stop_signals, source, links));
  server.Stop(kGrace);
  return {};
}

}  // namespace trivet::csi
