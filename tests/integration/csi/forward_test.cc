#include "tests/integration/csi/forward_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {

using testing::IsOk;

namespace {

constexpr const char* kNodeKey = "topology.csi.trivet.dev/node";

std::filesystem::path Program() {
  return std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-csi";
}

// Patience with a process that is just starting.
class ForwardContext : public grpc::ClientContext {
 public:
  explicit ForwardContext(std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
    set_wait_for_ready(true);
    set_deadline(std::chrono::system_clock::now() + deadline);
  }
};

}  // namespace

void ForwardTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  MakeCertificate("authority", "");
  MakeCertificate("trivet-csi-controller");
}

void ForwardTest::TearDown() {
  while (!processes_.empty()) Kill(processes_.begin()->first);
  if (!HasFailure()) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path().extension() != ".log") continue;
    std::printf("%s:\n%s\n", entry.path().c_str(), ReadFile(entry.path()).value_or("").c_str());
  }
}

void ForwardTest::MakeCertificate(const std::string& name, const std::string& authority) {
  Command command{.program = "/usr/bin/openssl",
                  .args = {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout",
                           Path(name + ".key"), "-out", Path(name + ".pem")}};
  if (!authority.empty()) {
    for (const std::string& more :
         {std::string("-addext"), "subjectAltName=DNS:" + name, std::string("-CA"),
          Path(authority + ".pem"), std::string("-CAkey"), Path(authority + ".key")}) {
      command.args.push_back(more);
    }
  }
  const auto made = RunCommand(command);
  ASSERT_THAT(made, IsOk());
  ASSERT_EQ(made->exit_code, 0) << made->err;
}

std::vector<std::string> ForwardTest::TlsArguments(const std::string& name) const {
  return {"--tls-cert",        Path(name + ".pem"), "--tls-key",
          Path(name + ".key"), "--tls-ca",          Path("authority.pem")};
}

std::string ForwardTest::AddressOf(const std::string& node) {
  return "127.0.0.1:" + std::to_string(9001 + node.front() - 'a');
}

void ForwardTest::StartProcess(const std::string& name, std::vector<std::string> arguments) {
  const UniqueFd log(
      ::open(Path(name + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  auto child = StartCommand({.program = Program(), .args = std::move(arguments)},
                            {{1, log.get()}, {2, log.get()}});
  ASSERT_THAT(child, IsOk());
  processes_[name] = std::move(*child);
}

void ForwardTest::StartNode(const std::string& name, int64_t mib,
                            const std::vector<std::string>& more) {
  if (std::ranges::find(nodes_, name) == nodes_.end()) {
    nodes_.push_back(name);
    MakeCertificate(name);
    std::ofstream(Path(name + ".json"))
        << R"({"pools": [{"name": "p", "type": "file", "path": ")" << Path(name + "-pool")
        << R"(", "limitBytes": )" << mib * kForwardMiB << "}]}";
  }
  std::vector<std::string> arguments = {"--mode",      "node",
                                        "--node-id",   name,
                                        "--socket",    Path(name + "-run/csi.sock"),
                                        "--state-dir", Path(name + "-state"),
                                        "--config",    Path(name + ".json"),
                                        "--io-cgroup", "/trivet-test/csi-forward",
                                        "--listen",    AddressOf(name)};
  const auto tls = TlsArguments(name);
  arguments.insert(arguments.end(), tls.begin(), tls.end());
  arguments.insert(arguments.end(), more.begin(), more.end());
  StartProcess(name, arguments);
  // Its door is open once the socket, made before, answers: both are before the first call ends.
  ForwardContext context;
  ::csi::v1::NodeGetInfoResponse response;
  const auto stub = ::csi::v1::Node::NewStub(Connect(Path(name + "-run/csi.sock")));
  ASSERT_EQ(Note(stub->NodeGetInfo(&context, {}, &response)), grpc::OK) << message_;
  ASSERT_EQ(response.node_id(), name);
  while (ReadFile(Path(name + ".log")).value_or("").find("listening") == std::string::npos) {
    ASSERT_EQ(Reap(processes_[name].pidfd, std::chrono::milliseconds(10))->has_value(), false);
  }
}

void ForwardTest::StartController(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--mode", "controller", "--socket",
                                        Path("controller/csi.sock")};
  for (const std::string& node : nodes_) {
    arguments.insert(arguments.end(), {"--node-endpoint", node + "=" + AddressOf(node)});
  }
  const auto tls = TlsArguments("trivet-csi-controller");
  if (std::ranges::find(more, "--tls-cert") == more.end()) {
    arguments.insert(arguments.end(), tls.begin(), tls.end());
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  StartProcess("controller", arguments);
  UseController();
}

void ForwardTest::UseController() {
  channel_ = Connect(Path("controller/csi.sock"));
  controller_ = ::csi::v1::Controller::NewStub(channel_);
}

std::shared_ptr<grpc::Channel> ForwardTest::Connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
}

void ForwardTest::Signal(const std::string& process, int signal) {
  const UniqueFd& pidfd = processes_.at(process).pidfd;
  ASSERT_THAT(SendSignal(pidfd, signal), IsOk());
  // Its threads go on until each of them has seen the signal.
  if (signal != SIGSTOP) return;
  siginfo_t info{};
  ASSERT_EQ(
      ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info, WSTOPPED), 0);
}

void ForwardTest::Kill(const std::string& process) {
  Signal(process, SIGKILL);
  EXPECT_THAT(Reap(processes_.at(process).pidfd), IsOk());
  processes_.erase(process);
}

std::string ForwardTest::Refusal(const std::vector<std::string>& arguments) {
  const auto ran = RunCommand({.program = Program(), .args = arguments});
  EXPECT_THAT(ran, IsOk());
  if (!ran) return "";
  EXPECT_NE(ran->exit_code, 0);
  return ran->err;
}

::csi::v1::CreateVolumeRequest ForwardTest::CreateRequest(
    const std::string& name, int64_t mib, const std::vector<std::string>& requisite,
    const std::vector<std::string>& preferred) {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(mib * kForwardMiB);
  (*request.mutable_parameters())["provisioning"] = "thin";
  auto& capability = *request.add_volume_capabilities();
  capability.mutable_block();
  capability.mutable_access_mode()->set_mode(
      ::csi::v1::VolumeCapability::AccessMode::SINGLE_NODE_WRITER);
  auto& terms = *request.mutable_accessibility_requirements();
  for (const std::string& node : requisite) {
    (*terms.add_requisite()->mutable_segments())[kNodeKey] = node;
  }
  for (const std::string& node : preferred) {
    (*terms.add_preferred()->mutable_segments())[kNodeKey] = node;
  }
  return request;
}

grpc::StatusCode ForwardTest::Create(const ::csi::v1::CreateVolumeRequest& request) {
  ForwardContext context;
  ::csi::v1::CreateVolumeResponse response;
  const auto code = Note(controller_->CreateVolume(&context, request, &response));
  made_on_.clear();
  for (const auto& topology : response.volume().accessible_topology()) {
    made_on_ += topology.segments().at(kNodeKey);
  }
  if (code == grpc::OK) message_ = response.volume().volume_id();
  return code;
}

std::string ForwardTest::Created(const ::csi::v1::CreateVolumeRequest& request) {
  EXPECT_EQ(Create(request), grpc::OK) << message_;
  return message_;
}

grpc::StatusCode ForwardTest::Delete(const std::string& id) {
  ForwardContext context;
  ::csi::v1::DeleteVolumeRequest request;
  ::csi::v1::DeleteVolumeResponse response;
  request.set_volume_id(id);
  return Note(controller_->DeleteVolume(&context, request, &response));
}

grpc::StatusCode ForwardTest::Get(const std::string& id, std::chrono::milliseconds deadline) {
  ForwardContext context(deadline);
  ::csi::v1::ControllerGetVolumeRequest request;
  ::csi::v1::ControllerGetVolumeResponse response;
  request.set_volume_id(id);
  return Note(controller_->ControllerGetVolume(&context, request, &response));
}

std::vector<std::string> ForwardTest::ListByPages(int max_entries) {
  std::vector<std::string> ids;
  ::csi::v1::ListVolumesRequest request;
  request.set_max_entries(max_entries);
  do {
    ForwardContext context;
    ::csi::v1::ListVolumesResponse response;
    EXPECT_EQ(Note(controller_->ListVolumes(&context, request, &response)), grpc::OK) << message_;
    EXPECT_LE(response.entries_size(), max_entries);
    for (const auto& entry : response.entries()) ids.push_back(entry.volume().volume_id());
    request.set_starting_token(response.next_token());
  } while (!request.starting_token().empty() && ids.size() < 100);
  return ids;
}

bool ForwardTest::Ready() {
  ForwardContext context;
  ::csi::v1::ProbeResponse response;
  const auto identity = ::csi::v1::Identity::NewStub(channel_);
  EXPECT_EQ(Note(identity->Probe(&context, {}, &response)), grpc::OK) << message_;
  return response.ready().value();
}

bool ForwardTest::Has(const std::string& node, const std::string& id) {
  return std::filesystem::exists(Path(node + "-state/volumes/" + id + ".json"));
}

grpc::StatusCode ForwardTest::Note(const grpc::Status& status) {
  message_ = status.error_message();
  return status.error_code();
}

}  // namespace trivet::csi
