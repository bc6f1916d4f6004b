// Addresses from static, from another program of CNI_PATH, and our IPAM types as such programs; the
// names that are installed.
#include <gmock/gmock.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IpamTest : public PluginTest {
 protected:
  [[nodiscard]] json::Value StaticConf() const {
    json::Value conf = Conf();
    conf["ipam"] = {{"type", "static"},
                    {"addresses", {{{"address", "10.9.0.77/24"}, {"gateway", "10.9.0.1"}}}}};
    return conf;
  }
  [[nodiscard]] json::Value DelegateConf() const {
    json::Value conf = Conf();
    conf["ipam"] = {{"type", "fake-ipam"}};
    return conf;
  }
  /// A program that writes down what it was asked and answers with `answer` to `verb`.
  void WriteFakeIpam(const std::string& verb, const std::string& answer, int status) {
    const std::filesystem::path program = "/run/plugins/fake-ipam";
    std::filesystem::create_directories(program.parent_path());
    std::ofstream(program) << "#!/bin/sh\ncat > /run/plugins/stdin\n"
                              "echo \"$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS\" >> "
                              "/run/plugins/calls\n[ \"$CNI_COMMAND\" = "
                           << verb << " ] || exit 0\ncat <<'END'\n"
                           << answer << "\nEND\nexit " << status << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }
  static std::string Calls() {
    std::string calls = ReadFile("/run/plugins/calls").value_or("");
    std::filesystem::remove("/run/plugins/calls");
    return calls;
  }
  const Variables path_{{"CNI_PATH", "/nowhere:/run/plugins"}};
};

constexpr const char* kAnswer =
    R"({"cniVersion": "1.1.0", "ips": [{"address": "10.9.0.42/24", "gateway": "10.9.0.1"}]})";

TEST_F(IpamTest, StaticGivesTheAddressThatTheConfigurationSays) {
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, StaticConf());

  EXPECT_THAT(AddressesOf(result), ElementsAre("10.9.0.77/24"));
  EXPECT_THAT(Check(pod, StaticConf(), result), Succeeds());
  EXPECT_THAT(Status(StaticConf()), Succeeds());
}

// RFC 3021, RFC 6164.
TEST_F(IpamTest, AnAddressThatIsAskedForTwiceIsGivenOnce) {
  json::Value conf = Conf();
  conf["runtimeConfig"]["ips"] = {"10.9.0.42/24"};
  conf["args"]["cni"]["ips"] = {"10.9.0.42"};

  const Answer answer = Add(MakePod("c1"), conf, {{"CNI_ARGS", "IP=10.9.0.42"}});

  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(AddressesOf(answer.value).front(), "10.9.0.42/24");
}

TEST_F(IpamTest, ANetworkOfTwoAddressesIsAPodAndItsGateway) {
  json::Value conf = Conf();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.4/31"}}}),
                            json::Value::array({{{"subnet", "fd09::4/127"}}})};
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, conf);

  EXPECT_THAT(AddressesOf(result), ElementsAre("10.9.0.5/31", "fd09::5/127"));
  for (const char* gateway : {"10.9.0.4", "fd09::4"}) {
    Tell("/usr/sbin/ip", {"netns", "exec", "c1", "/bin/ping", "-c", "1", "-W", "9", gateway});
  }
  EXPECT_THAT(Run("ADD", MakePod("c2"), conf), IsRefused(11, "no address is left"));
}

TEST_F(IpamTest, AnotherProgramIsAskedAsARuntimeWould) {
  WriteFakeIpam("ADD", kAnswer, 0);
  const Pod pod = MakePod("c1");

  const Answer added = Add(pod, DelegateConf(), path_);

  ASSERT_THAT(added, Succeeds());
  EXPECT_THAT(AddressesOf(added.value), ElementsAre("10.9.0.42/24"));
  EXPECT_EQ(Calls(), "ADD c1 eth0 /run/netns/c1\n");
  EXPECT_EQ(json::Parse(*ReadFile("/run/plugins/stdin")).value(), DelegateConf());

  EXPECT_THAT(Del(pod, DelegateConf(), path_), Succeeds());
  EXPECT_EQ(Calls(), "DEL c1 eth0 /run/netns/c1\n");
}

TEST_F(IpamTest, AnotherProgramsFailureIsUndoneByItsDelAndToldInItsWords) {
  WriteFakeIpam("ADD", R"({"cniVersion": "1.1.0", "code": 11, "msg": "pool is busy"})", 1);

  EXPECT_THAT(Add(MakePod("c1"), DelegateConf(), path_), IsRefused(11, "fake-ipam: pool is busy"));

  EXPECT_EQ(Calls(), "ADD c1 eth0 /run/netns/c1\nDEL c1 eth0 /run/netns/c1\n");
  ExpectNothingLeft("after the failure");
}

TEST_F(IpamTest, AnotherProgramIsUndoneWhenALaterStepFails) {
  WriteFakeIpam("ADD", kAnswer, 0);
  const Pod pod = MakePod("c1");
  Tell("/usr/sbin/ip", {"-n", "c1", "link", "add", "eth0", "type", "bridge"});

  EXPECT_THAT(Add(pod, DelegateConf(), path_), IsRefused(101, "eth0"));

  EXPECT_THAT(Calls(), HasSubstr("DEL c1 eth0"));
  ExpectNothingLeft("after the failure");
}

TEST_F(IpamTest, GcOfAProgramThatKnowsNoGcFreesByDel) {
  WriteFakeIpam("ADD", kAnswer, 0);
  const Pod pod = MakePod("c1");
  ASSERT_THAT(Add(pod, DelegateConf(), path_), Succeeds());
  WriteFakeIpam("GC", R"({"code": 4, "msg": "unknown CNI_COMMAND: GC"})", 1);
  Calls();
  json::Value conf = DelegateConf();
  conf["cni.dev/valid-attachments"] = json::Value::array();

  EXPECT_THAT(Run("GC", {}, conf,
                  {{"CNI_CONTAINERID", ""},
                   {"CNI_NETNS", ""},
                   {"CNI_IFNAME", ""},
                   {"CNI_PATH", "/run/plugins"}}),
              Succeeds());

  EXPECT_EQ(Calls(), "DEL c1 eth0 \nGC   \n");
  WriteFakeIpam("ADD", kAnswer, 0);
  EXPECT_THAT(Del(pod, DelegateConf(), path_), Succeeds());
}

TEST_F(IpamTest, StatusIsAskedOfTheOtherProgram) {
  WriteFakeIpam("STATUS", R"({"code": 51, "msg": "leases run out"})", 1);
  EXPECT_THAT(Run("STATUS", {}, DelegateConf(),
                  {{"CNI_CONTAINERID", ""},
                   {"CNI_NETNS", ""},
                   {"CNI_IFNAME", ""},
                   {"CNI_PATH", "/run/plugins"}}),
              IsRefused(51, "leases run out"));
}

// It would wait for a lock that the first of them holds.
TEST_F(IpamTest, TheProgramDoesNotAskItselfForAddresses) {
  std::filesystem::create_directories("/run/plugins");
  json::Value conf = DelegateConf();
  for (const char* type : {"bridge", "ptp", "portmap"}) {
    std::filesystem::create_symlink(Program(), std::filesystem::path("/run/plugins") / type);
    conf["ipam"]["type"] = type;
    EXPECT_THAT(Add(MakePod(type), conf, path_), IsRefused(7, "is no IPAM plugin")) << type;
  }
  std::filesystem::create_symlink(Program(), "/run/plugins/fake-ipam");
  EXPECT_THAT(Add(MakePod("c1"), DelegateConf(), path_), IsRefused(7, "is trivet-cni"));
  ExpectNothingLeft("after the refusals");
}

TEST_F(IpamTest, AProgramThatIsNowhereIsNamed) {
  EXPECT_THAT(Add(MakePod("c1"), DelegateConf(), path_), IsRefused(7, "'fake-ipam'"));
  ExpectNothingLeft("after the failure");
}

TEST_F(IpamTest, InstalledUnderEachTypeNameItIsThatType) {
  const auto install = RunCommand(
      {.program = "/usr/bin/cmake",
       .args = {"--install", Program().parent_path().parent_path(), "--component", "cni"},
       .environment = {{"DESTDIR=/run/installed", "PATH=/usr/bin:/bin"}}});
  ASSERT_EQ(install->exit_code, 0) << install->err;
  const std::filesystem::path folder = "/run/installed/opt/cni/bin";
  const Pod pod = MakePod("c1");

  for (const char* type : {"bridge", "host-local", "loopback", "ptp", "static"}) {
    EXPECT_EQ(std::filesystem::read_symlink(folder / type), "trivet-cni") << type;
    Command command = CommandFor("ADD", pod);
    command.program = folder / type;
    json::Value conf = Conf();
    conf["type"] = type;
    const auto output = RunCommand(command, json::Write(conf));
    EXPECT_EQ(output->exit_code, 0) << type << ": " << output->out << output->err;
    command.environment->push_back("CNI_COMMAND=DEL");
    std::erase(*command.environment, "CNI_COMMAND=ADD");
    EXPECT_EQ(RunCommand(command, json::Write(conf))->exit_code, 0) << type;
  }
}

}  // namespace
}  // namespace trivet::cni
