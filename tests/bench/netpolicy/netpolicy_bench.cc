// Measures a running policy agent over its socket, as trivet-cni talks to it: p50 and p90 of each
// request, and of the way from an edited manifest to the kernel.
// Usage: netpolicy_bench manifests FOLDER POLICIES PODS    writes the cluster
//        netpolicy_bench measure SOCKET FOLDER PODS        starts every pod, and measures
// tests/bench/netpolicy/run starts trivet-netpolicy for it.

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "proto/trivet/policy.h"
#include "proto/trivet/wire.h"

namespace trivet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kApps = 50;  // pods of one app have the same labels
constexpr int kNamespaces = 10;
constexpr int kEdited = 1'000'000;  // the policy that changes; no other has this number

[[noreturn]] void Stop(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  std::exit(EXIT_FAILURE);
}

std::string PodYaml(int number) {
  return fmt::format(
      "apiVersion: v1\nkind: Pod\nmetadata: {{namespace: ns{}, name: pod{}, labels: {{app: app{}, "
      "tier: t{}}}}}\nspec: {{containers: [{{ports: [{{name: web, containerPort: "
      "8080}}]}}]}}\n---\n",
      number % kNamespaces, number, number % kApps, number % 3);
}

// Each selects one app and lets another app, a tier of another namespace and a block in.
std::string PolicyYaml(int number, int port) {
  return fmt::format(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: ns{0}, name: "
      "policy{1}}}\nspec: {{podSelector: {{matchLabels: {{app: app{2}}}}}, ingress: [{{from: "
      "[{{podSelector: {{matchLabels: {{app: app{3}}}}}}}, {{namespaceSelector: {{matchLabels: "
      "{{kubernetes.io/metadata.name: ns{4}}}}}, podSelector: {{matchLabels: {{tier: t1}}}}}}, "
      "{{ipBlock: {{cidr: 192.168.{5}.0/24}}}}], ports: [{{port: {6}}}, {{port: web}}]}}]}}\n---\n",
      number % kNamespaces, number, number % kApps, (number + 7) % kApps,
      (number + 3) % kNamespaces, number % 250, port);
}

void WriteFile(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path sibling = file.native() + ".tmp";
  std::ofstream(sibling) << text;
  std::filesystem::rename(sibling, file);
}

void WriteCluster(const std::filesystem::path& folder, int policies, int pods) {
  std::string text;
  for (int i = 0; i < pods; ++i) text += PodYaml(i);
  WriteFile(folder / "pods.yaml", text);
  text.clear();
  for (int i = 0; i < policies; ++i) text += PolicyYaml(i, 80);
  WriteFile(folder / "policies.yaml", text);
  WriteFile(folder / "edited.yaml", PolicyYaml(kEdited, 80));
}

class Bench {
 public:
  explicit Bench(std::string socket) : socket_(std::move(socket)) {}

  void Time(const std::string& name, const policy::Request& request) {
    const auto start = Clock::now();
    Call(request);
    samples_[name].push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }

  void Print() {
    for (auto& [name, milliseconds] : samples_) {
      std::ranges::sort(milliseconds);
      fmt::print("{:<44} p50 {:8.3f} ms   p90 {:8.3f} ms   n {}\n", name,
                 milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 9 / 10],
                 milliseconds.size());
    }
  }

 private:
  void Call(const policy::Request& request) const {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    const std::string packet = wire::Encode(request);
    std::string answer(policy::kMaxPacketBytes, '\0');
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(fd.get(), packet.data(), packet.size(), 0) < 0) {
      Stop("the agent does not answer");
    }
    const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), 0);
    if (size <= 0) Stop("the agent went away");
    answer.resize(static_cast<size_t>(size));
    const auto decoded = wire::Decode<policy::Answer>(answer);
    if (!decoded || decoded->code != 0) Stop(decoded ? decoded->message : "no answer");
  }

  std::string socket_;
  std::map<std::string, std::vector<double>> samples_;
};

policy::Request RequestOf(policy::Verb verb, int number) {
  policy::Request request{.verb = verb,
                          .attachment = {"bench", fmt::format("c{}", number), "eth0"}};
  if (verb != policy::Verb::kAdd) return request;
  request.pod_namespace = fmt::format("ns{}", number % kNamespaces);
  request.pod_name = fmt::format("pod{}", number);
  request.addresses = {fmt::format("10.{}.{}.{}", 200, number / 250, number % 250 + 1),
                       fmt::format("fd00::{:x}", number + 1)};
  return request;
}

void Measure(const std::string& socket, const std::filesystem::path& folder, int pods) {
  constexpr int kLast = 50;
  constexpr int kEdits = 30;
  Bench bench(socket);
  for (int i = 0; i < pods; ++i) {
    const char* name = i < kLast           ? "ADD, the first 50 pods of the node"
                       : i >= pods - kLast ? "ADD, the last 50 pods of the node"
                                           : "ADD, the pods between";
    bench.Time(name, RequestOf(policy::Verb::kAdd, i));
  }
  for (int i = 0; i < kEdits; ++i) {
    bench.Time("STATUS (the socket itself)", {});
    WriteFile(folder / "edited.yaml", PolicyYaml(kEdited, 81 + i));
    // A STATUS takes in what was changed before it is answered.
    bench.Time("an edited policy in force", {});
    bench.Time("DEL", RequestOf(policy::Verb::kDelete, i));
    bench.Time("ADD, again", RequestOf(policy::Verb::kAdd, i));
  }
  bench.Print();
}

}  // namespace
}  // namespace trivet

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 4 && args[0] == "manifests") {
    trivet::WriteCluster(args[1], std::stoi(args[2]), std::stoi(args[3]));
  } else if (args.size() == 4 && args[0] == "measure") {
    trivet::Measure(args[1], args[2], std::stoi(args[3]));
  } else {
    trivet::Stop(
        "usage: netpolicy_bench manifests FOLDER POLICIES PODS | measure SOCKET FOLDER PODS");
  }
  return EXIT_SUCCESS;
}
