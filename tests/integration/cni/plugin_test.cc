#include "tests/integration/cni/plugin_test.h"

#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>
#include <ostream>
#include <sstream>
#include <thread>

#include <fmt/ranges.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/processes.h"

namespace trivet::cni {

using testing::IsOk;

namespace {

const std::filesystem::path kNetnsFolder = "/run/netns";  // where `ip -n` looks

// What stays on purpose when the last attachment has gone: locks, and where allocation goes on.
bool IsScaffolding(const std::filesystem::path& file) {
  const std::string name = file.filename();
  const std::string folder = file.parent_path().filename();
  return name == "boot_id" || name == "lock" || name.starts_with("last_reserved_ip.") ||
         folder == "locks" || (folder == "bridges" && !name.starts_with('.'));
}

// Without the pods' namespaces, which the test itself holds.
std::string ListMounts() {
  std::string mounts;
  std::istringstream lines(ReadFile("/proc/self/mountinfo").value_or("unreadable"));
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - nsfs ") == std::string::npos) mounts += line + "\n";
  }
  return mounts;
}

std::string AttachmentName(const Pod& pod, const json::Value& conf) {
  return conf.value("name", "") + "@" + pod.id;
}

}  // namespace

int Answer::code() const {
  return value.is_object() ? value.value("code", 0) : 0;
}

std::string Answer::message() const {
  return value.is_object() ? value.value("msg", "") : "";
}

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << "exit " << answer.exit_code << ": " << answer.out << answer.err;
}

void PluginTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  std::filesystem::create_directories(kNetnsFolder);
  Remember();
}

void PluginTest::TearDown() {
  const auto attached = std::exchange(attached_, {});
  for (const auto& [name, attachment] : attached) {
    EXPECT_THAT(Del(attachment.first, attachment.second), Succeeds()) << name;
  }
  for (const Pod& pod : pods_) RemoveNetns(pod);
  if (IsSkipped()) return;
  // A pair that was never attached goes with its namespace, which the kernel ends by and by.
  testing::Eventually([&] { return Look() == before_; }, std::chrono::seconds(5));
  ExpectNothingLeft("at the end");
}

json::Value PluginTest::Conf() const {
  return {{"cniVersion", "1.1.0"},
          {"name", "testnet"},
          {"type", "bridge"},
          {"bridge", "br0"},
          {"isGateway", true},
          {"ipMasq", true},
          {"ephemeralBridge", true},
          {"stateDir", state()},
          {"ipam",
           {{"type", "host-local"},
            {"ranges",
             {json::Value::array({{{"subnet", "10.9.0.0/24"}}}),
              json::Value::array({{{"subnet", "fd09::/64"}}})}},
            {"routes", {{{"dst", "0.0.0.0/0"}}, {{"dst", "::/0"}}}}}}};
}

std::filesystem::path PluginTest::Program() {
  return std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-cni";
}

Pod PluginTest::MakePod(const std::string& id) {
  Pod pod{.id = id, .netns = kNetnsFolder / id};
  std::ofstream(pod.netns).close();
  std::thread([&] {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    EXPECT_EQ(::mount("/proc/thread-self/ns/net", pod.netns.c_str(), nullptr, MS_BIND, nullptr), 0);
  }).join();
  pods_.push_back(pod);
  return pod;
}

void PluginTest::RemoveNetns(const Pod& pod) {
  ::umount2(pod.netns.c_str(), MNT_DETACH);
  std::filesystem::remove(pod.netns);
}

Command PluginTest::CommandFor(const std::string& verb, const Pod& pod, const Variables& extra) {
  Variables variables{{"CNI_COMMAND", verb},
                      {"CNI_CONTAINERID", pod.id},
                      {"CNI_NETNS", pod.netns},
                      {"CNI_IFNAME", "eth0"},
                      {"CNI_PATH", Program().parent_path()}};
  for (const auto& [name, value] : extra) variables[name] = value;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) {
    if (!value.empty()) environment.push_back(fmt::format("{}={}", name, value));
  }
  return {.program = Program(), .args = {}, .environment = std::move(environment)};
}

Answer PluginTest::Run(const std::string& verb, const Pod& pod, const json::Value& conf,
                       const Variables& extra) {
  auto output = RunCommand(CommandFor(verb, pod, extra), json::Write(conf));
  EXPECT_THAT(output, IsOk());
  if (!output) return {.exit_code = -1};
  Answer answer{.exit_code = output->exit_code, .out = output->out, .err = output->err};
  if (const auto value = json::Parse(answer.out)) answer.value = *value;
  return answer;
}

Answer PluginTest::Add(const Pod& pod, const json::Value& conf, const Variables& extra) {
  Answer answer = Run("ADD", pod, conf, extra);
  if (answer.ok()) attached_[AttachmentName(pod, conf)] = {pod, conf};
  return answer;
}

Answer PluginTest::Del(const Pod& pod, const json::Value& conf, const Variables& extra) {
  Answer answer = Run("DEL", pod, conf, extra);
  if (answer.ok()) attached_.erase(AttachmentName(pod, conf));
  return answer;
}

Answer PluginTest::Check(const Pod& pod, json::Value conf, const json::Value& result) {
  conf["prevResult"] = result;
  return Run("CHECK", pod, conf);
}

Answer PluginTest::Gc(json::Value conf, const std::vector<Pod>& valid) {
  json::Value list = json::Value::array();
  for (const Pod& pod : valid) list.push_back({{"containerID", pod.id}, {"ifname", "eth0"}});
  conf["cni.dev/valid-attachments"] = std::move(list);
  return Run("GC", {}, conf, {{"CNI_CONTAINERID", ""}, {"CNI_NETNS", ""}, {"CNI_IFNAME", ""}});
}

Answer PluginTest::Status(const json::Value& conf) {
  return Run("STATUS", {}, conf, {{"CNI_CONTAINERID", ""}, {"CNI_NETNS", ""}, {"CNI_IFNAME", ""}});
}

json::Value PluginTest::Added(const Pod& pod, const json::Value& conf) {
  const Answer answer = Add(pod, conf);
  EXPECT_THAT(answer, Succeeds());
  return answer.value;
}

std::string PluginTest::Tell(const std::string& program, const std::vector<std::string>& args) {
  const auto output = RunCommand({.program = program, .args = args, .environment = {}});
  EXPECT_THAT(output, IsOk());
  if (!output) return {};
  EXPECT_EQ(output->exit_code, 0) << program << " " << fmt::format("{}", fmt::join(args, " "))
                                  << ": " << output->err;
  return output->out;
}

json::Value PluginTest::Ip(std::vector<std::string> args, const std::optional<Pod>& in) {
  args.insert(args.begin(), "-json");
  if (in) args.insert(args.begin(), {"-n", in->id});
  const auto value = json::Parse(Tell("/usr/sbin/ip", args));
  return value ? *value : json::Value::array();  // `ip` says nothing where there is nothing
}

bool PluginTest::HasLink(const std::string& name, const std::optional<Pod>& in) {
  return !FindEntry(Ip({"link"}, in), "ifname", name).is_null();
}

bool PluginTest::Ping(const Pod& from, const std::string& address, const std::string& seconds) {
  const auto ping =
      RunCommand({.program = "/usr/sbin/ip",
                  .args = {"netns", "exec", from.id, "ping", "-c", "1", "-W", seconds, address},
                  .environment = {}});
  EXPECT_THAT(ping, IsOk());
  return ping && ping->exit_code == 0;
}

Snapshot PluginTest::Look() const {
  const std::string ip = "/usr/sbin/ip";
  return {{"links", Tell(ip, {"-o", "-d", "link"})},
          {"queues", Tell("/usr/sbin/tc", {"qdisc"})},
          {"addresses", Tell(ip, {"-o", "address"})},
          {"routes", Tell(ip, {"route", "show", "table", "all"})},
          {"IPv6 routes", Tell(ip, {"-6", "route", "show", "table", "all"})},
          {"neighbours", Tell(ip, {"neighbour", "show", "nud", "permanent"})},
          {"nftables", Ruleset()},
          {"mounts", ListMounts()},
          {"files", ListFiles()}};
}

std::string PluginTest::ListFiles() const {
  std::string files;
  if (!std::filesystem::exists(state())) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state())) {
    if (!entry.is_directory() && !IsScaffolding(entry.path()))
      files += entry.path().string() + "\n";
  }
  return files;
}

void PluginTest::ExpectNothingLeft(const std::string& when) {
  Snapshot now = Look();
  for (const auto& [kind, listing] : before_) EXPECT_EQ(now[kind], listing) << kind << " " << when;
}

json::Value FindEntry(const json::Value& list, const std::string& key, const json::Value& wanted) {
  for (const json::Value& entry : list) {
    if (entry.is_object() && entry.contains(key) && entry[key] == wanted) return entry;
  }
  return {};
}

std::vector<std::string> AddressesOf(const json::Value& result) {
  std::vector<std::string> addresses;
  if (!result.is_object() || !result.contains("ips")) return addresses;
  for (const json::Value& ip : result["ips"]) addresses.push_back(ip.value("address", ""));
  return addresses;
}

}  // namespace trivet::cni
