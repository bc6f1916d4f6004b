// The reference's own host-local on the same folder, while pods run.
#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

class ReferenceIpamTest : public PluginTest {
 protected:
  [[nodiscard]] json::Value IpamConf() const {
    return {{"cniVersion", "1.0.0"},
            {"name", "testnet"},
            {"type", "host-local"},
            {"stateDir", state()},
            {"ipam",
             {{"type", "host-local"},
              {"dataDir", state() / "networks"},
              {"ranges", {json::Value::array({{{"subnet", "10.9.0.0/29"}}})}}}}};
  }
  std::string Theirs(const std::string& verb, const std::string& id) {
    return Call("/usr/lib/cni/host-local", verb, id);
  }
  std::string Ours(const std::string& verb, const std::string& id) {
    return Call(Program(), verb, id);
  }
  /// The address that was given, "" for none, or the failure.
  std::string Call(const std::filesystem::path& program, const std::string& verb,
                   const std::string& id) {
    Command command = CommandFor(verb, {.id = id, .netns = "/proc/1/ns/net"});
    command.program = program;
    const auto output = RunCommand(command, json::Write(IpamConf()));
    EXPECT_THAT(output, testing::IsOk());
    if (!output || output->exit_code != 0) return output ? output->out : "did not start";
    const auto result = json::Parse(output->out);
    return result ? AddressesOf(*result).front() : "";
  }
};

TEST_F(ReferenceIpamTest, EitherGoesOnWithWhatTheOtherHasGiven) {
  EXPECT_EQ(Theirs("ADD", "a"), "10.9.0.2/29");
  EXPECT_EQ(Ours("ADD", "b"), "10.9.0.3/29");
  EXPECT_EQ(Theirs("ADD", "c"), "10.9.0.4/29");
  EXPECT_EQ(Ours("ADD", "d"), "10.9.0.5/29");

  EXPECT_EQ(Ours("DEL", "a"), "");
  EXPECT_EQ(Theirs("DEL", "b"), "");
  EXPECT_EQ(Theirs("ADD", "e"), "10.9.0.6/29");
  EXPECT_EQ(Ours("ADD", "b"), "10.9.0.2/29");  // which ours has freed, and theirs has freed b's
  EXPECT_EQ(Theirs("ADD", "a"), "10.9.0.3/29");
  EXPECT_NE(Ours("ADD", "f"), "");
  for (const char* id : {"a", "c", "e"}) EXPECT_EQ(Ours("DEL", id), "") << id;
  for (const char* id : {"b", "d"}) EXPECT_EQ(Theirs("DEL", id), "") << id;

  EXPECT_EQ(*ListDirectory(state() / "networks/testnet"),
            (std::vector<std::string>{"last_reserved_ip.0", "lock"}));
  EXPECT_EQ(Ours("DEL", "b"), "");  // and of what theirs has freed
}

TEST_F(ReferenceIpamTest, EitherRefusesToGiveAnInterfaceASecondAddress) {
  EXPECT_EQ(Theirs("ADD", "a"), "10.9.0.2/29");
  EXPECT_EQ(Ours("ADD", "b"), "10.9.0.3/29");

  EXPECT_NE(Ours("ADD", "a").find("10.9.0.2"), std::string::npos);
  EXPECT_NE(Theirs("ADD", "b").find("duplicate"), std::string::npos);
  EXPECT_EQ(Ours("DEL", "a"), "");
  EXPECT_EQ(Theirs("DEL", "b"), "");
  EXPECT_EQ(Ours("DEL", "b"), "");
}

}  // namespace
}  // namespace trivet::cni
