#include "tests/integration/netpolicy/policy_test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using testing::IsOk;

constexpr auto kPatience = std::chrono::seconds(10);

std::filesystem::path Program(const char* name) {
  return std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / name;
}

bool Answers(const std::filesystem::path& path) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

json::Value Conf(const std::filesystem::path& root, const std::filesystem::path& socket,
                 bool source_check) {
  return {{"cniVersion", "1.1.0"},
          {"name", "testnet"},
          {"type", "bridge"},
          {"bridge", "br0"},
          {"isGateway", true},
          {"isDefaultGateway", true},
          {"stateDir", (root / "cni").native()},
          {"ipam",
           {{"type", "host-local"},
            {"dataDir", (root / "ipam").native()},
            {"ranges",
             {json::Value::array({{{"subnet", "10.9.0.0/24"}}}),
              json::Value::array({{{"subnet", "fd09::/64"}}})}}}},
          {"policy", {{"socket", socket.native()}, {"sourceCheck", source_check}}}};
}

std::string SortedWords(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  const std::set<std::string> words{std::istream_iterator<std::string>(in), {}};
  std::string out;
  for (const std::string& word : words) out += word + " ";
  return out;
}

// The listing's order tells how the table came about: chains by age, elements by their hash. Rules
// are kept as they are.
std::string Ordered(const std::string& listing) {
  std::istringstream in(listing);
  std::set<std::string> objects;
  std::string object;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with("table")) continue;
    object += line + "\n";
    if (line != "\t}") continue;
    const bool is_chain = object.starts_with("\tchain");
    objects.insert(is_chain ? object : SortedWords(object));
    object.clear();
  }
  std::string out;
  for (const std::string& one : objects) out += one + "\n";
  return out;
}

}  // namespace

void PolicyTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  for (const auto& folder : {manifests_, root_ / "bin", std::filesystem::path("/run/netns")}) {
    std::filesystem::create_directories(folder);
  }
  for (const char* type : {"bridge", "host-local"}) {
    std::filesystem::create_symlink(Program("trivet-cni"), root_ / "bin" / type);
  }
  WriteManifest("shop.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
}

void PolicyTest::TearDown() {
  if (agent_.pid != 0) KillAgent();
}

void PolicyTest::StartAgent(const std::vector<std::string>& arguments) {
  Command command{.program = Program("trivet-netpolicy"),
                  .args = {"--manifests", manifests_, "--socket", socket_, "--state-dir", state_}};
  command.args.insert(command.args.end(), arguments.begin(), arguments.end());
  const UniqueFd log(
      ::open((root_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
  auto started = StartCommand(command, {{2, log.get()}});
  ASSERT_THAT(started, IsOk());
  agent_ = *std::move(started);
  ASSERT_TRUE(Eventually([&] { return Answers(socket_); })) << AgentLog();
}

void PolicyTest::StopAgent() {
  ASSERT_THAT(SendSignal(agent_.pidfd, SIGTERM), IsOk());
  const auto exit_code = Reap(agent_.pidfd, kPatience);
  agent_ = {};
  ASSERT_THAT(exit_code, IsOk());
  EXPECT_EQ(*exit_code, 0) << AgentLog();
}

void PolicyTest::KillAgent() {
  ASSERT_THAT(SendSignal(agent_.pidfd, SIGKILL), IsOk());
  ASSERT_THAT(Reap(agent_.pidfd), IsOk());
  agent_ = {};
}

RunOutput PolicyTest::RunAgent(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--manifests", manifests_, "--state-dir", state_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return RunCommand({.program = Program("trivet-netpolicy"), .args = all})
      .value_or(RunOutput{.exit_code = -1});
}

std::string PolicyTest::AgentLog() const {
  return ReadFile(root_ / "log").value_or("no log");
}

void PolicyTest::WriteManifest(const std::string& name, const std::string& yaml) {
  ASSERT_THAT(WriteFileVolatile(manifests_ / name, yaml), IsOk());
}

void PolicyTest::WritePolicy(const std::string& name, const std::string& spec) {
  WriteManifest(
      name + ".yaml",
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: shop, "
      "name: " +
          name + "}\nspec: " + spec + "\n");
}

void PolicyTest::WritePodManifest(const std::string& name) {
  WriteManifest("pod-" + name + ".yaml",
                "apiVersion: v1\nkind: Pod\nmetadata: {namespace: shop, name: " + name +
                    ", labels: {app: " + name + "}}\nspec: {containers: [{name: c, image: i}]}\n");
}

TestPod PolicyTest::MakePod(const std::string& name) {
  TestPod pod{.name = name, .netns = std::filesystem::path("/run/netns") / name};
  std::ofstream(pod.netns).close();
  std::thread([&] {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    EXPECT_EQ(::mount("/proc/thread-self/ns/net", pod.netns.c_str(), nullptr, MS_BIND, nullptr), 0)
        << std::strerror(errno);
  }).join();
  return pod;
}

CniOutcome PolicyTest::RunCni(const std::string& verb, const TestPod& pod) {
  const auto run =
      RunCommand({.program = root_ / "bin/bridge",
                  .environment = {{"CNI_COMMAND=" + verb, "CNI_CONTAINERID=" + pod.name,
                                   "CNI_NETNS=" + pod.netns.native(), "CNI_IFNAME=eth0",
                                   "CNI_PATH=" + (root_ / "bin").native(),
                                   "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=" +
                                       pod.name}}},
                 json::Write(Conf(root_, socket_, source_check_)));
  EXPECT_THAT(run, IsOk());
  if (!run) return {.exit_code = -1};
  return {run->exit_code, json::Parse(run->out).value_or(json::Value())};
}

void PolicyTest::Attach(TestPod& pod) {
  const CniOutcome outcome = RunCni("ADD", pod);
  ASSERT_EQ(outcome.exit_code, 0) << json::Write(outcome.out) << AgentLog();
  for (const json::Value& ip : outcome.out.at("ips")) {
    const std::string text = ip.at("address").get<std::string>();
    const auto address = Address::Parse(text.substr(0, text.find('/')));
    ASSERT_THAT(address, IsOk());
    (address->is_ipv6() ? pod.ipv6 : pod.ipv4) = *address;
  }
}

TestPod PolicyTest::AddPod(const std::string& name) {
  WritePodManifest(name);
  TestPod pod = MakePod(name);
  Attach(pod);
  return pod;
}

std::string PolicyTest::Table() {
  const auto run = RunCommand(
      {.program = "/usr/sbin/nft", .args = {"-s", "list", "table", "inet", "trivet_policy"}});
  EXPECT_THAT(run, IsOk());
  return run && run->exit_code == 0 ? Ordered(run->out) : "";
}

bool PolicyTest::Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace trivet::netpolicy
