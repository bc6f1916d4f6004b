// Many ADDs and DELs of one network at once.
#include <sys/mman.h>
#include <unistd.h>

#include <set>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::IsOk;

class ParallelTest : public PluginTest {
 protected:
  struct Started {
    Child child;
    UniqueFd out;
  };

  static UniqueFd MakeFile(const std::string& content) {
    UniqueFd fd(::memfd_create("stdio", MFD_CLOEXEC));
    EXPECT_THAT(WriteAll(fd.get(), content, "memory"), IsOk());
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
    return fd;
  }
  static Started Start(const std::string& verb, const Pod& pod, const json::Value& conf) {
    const UniqueFd input = MakeFile(json::Write(conf));
    UniqueFd out = MakeFile("");
    auto child = StartCommand(CommandFor(verb, pod), {{0, input.get()}, {1, out.get()}});
    EXPECT_THAT(child, IsOk());
    return {.child = std::move(*child), .out = std::move(out)};
  }
  /// What it has answered; must have succeeded.
  static json::Value Await(const Started& started) {
    const auto exit_code = Reap(started.child.pidfd);
    EXPECT_THAT(exit_code, IsOk());
    EXPECT_EQ(::lseek(started.out.get(), 0, SEEK_SET), 0);
    const std::string out = ReadAll(started.out.get(), "answer").value_or("");
    EXPECT_EQ(exit_code.value_or(-1), 0) << out;
    const auto value = json::Parse(out);
    return value ? *value : json::Value();
  }
  std::vector<Pod> MakePods(const std::string& prefix, int count) {
    std::vector<Pod> pods;
    for (int i = 0; i < count; ++i) pods.push_back(MakePod(prefix + std::to_string(i)));
    return pods;
  }
  static std::vector<json::Value> RunAll(const std::string& verb, const std::vector<Pod>& pods,
                                         const json::Value& conf) {
    std::vector<Started> started;
    for (const Pod& pod : pods) started.push_back(Start(verb, pod, conf));
    std::vector<json::Value> answers;
    for (const Started& one : started) answers.push_back(Await(one));
    return answers;
  }
};

TEST_F(ParallelTest, FiftyAddsGiveFiftyAddressesAndFiftyDelsLeaveNothing) {
  const std::vector<Pod> pods = MakePods("c", 50);

  const auto results = RunAll("ADD", pods, Conf());

  std::set<std::string> addresses;
  for (const json::Value& result : results) {
    for (const std::string& address : AddressesOf(result)) addresses.insert(address);
  }
  EXPECT_EQ(addresses.size(), 100U);  // of both families
  for (size_t i = 0; i < pods.size(); i += 7) {
    EXPECT_THAT(Check(pods[i], Conf(), results[i]), Succeeds());
  }

  RunAll("DEL", pods, Conf());
  ExpectNothingLeft("after all DELs");
}

TEST_F(ParallelTest, TheBridgeComesAndGoesUnderAddsAndDelsThatOverlap) {
  std::vector<Pod> leaving;
  for (int wave = 0; wave < 12; ++wave) {
    const std::vector<Pod> coming = MakePods(fmt::format("w{}-", wave), 3);
    std::vector<Started> dels;
    for (const Pod& pod : leaving) dels.push_back(Start("DEL", pod, Conf()));
    const auto results = RunAll("ADD", coming, Conf());
    for (const Started& del : dels) Await(del);
    for (size_t i = 0; i < coming.size(); ++i) {
      EXPECT_THAT(Check(coming[i], Conf(), results[i]), Succeeds()) << "wave " << wave;
    }
    leaving = coming;
  }
  RunAll("DEL", leaving, Conf());
  ExpectNothingLeft("after all waves");
}

TEST_F(ParallelTest, ABridgeGoesWithTheLastPodsOfTwoNetworksThatGoAtOnce) {
  json::Value other = Conf();
  other["name"] = "othernet";
  for (int round = 0; round < 6; ++round) {
    const Pod first = MakePod(fmt::format("a{}", round));
    const Pod second = MakePod(fmt::format("b{}", round));
    for (const char* verb : {"ADD", "DEL"}) {
      const Started one = Start(verb, first, Conf());
      const Started another = Start(verb, second, other);
      Await(one);
      Await(another);
      EXPECT_EQ(HasLink("br0"), std::string_view(verb) == "ADD") << "round " << round;
    }
  }
  ExpectNothingLeft("after all rounds");
}

TEST_F(ParallelTest, OfTwoAddsOfOneAttachmentOneSucceeds) {
  for (int round = 0; round < 10; ++round) {
    const Pod pod = MakePod(fmt::format("c{}", round));
    const Started first = Start("ADD", pod, Conf());
    const Started second = Start("ADD", pod, Conf());
    const int sum = Reap(first.child.pidfd).value_or(-1) + Reap(second.child.pidfd).value_or(-1);
    EXPECT_EQ(sum, 1);
    EXPECT_THAT(Del(pod, Conf()), Succeeds());
  }
}

TEST_F(ParallelTest, ADelThatOvertakesItsAddLeavesAWholeAttachmentOrNone) {
  for (int round = 0; round < 20; ++round) {
    const Pod pod = MakePod(fmt::format("c{}", round));
    const Started add = Start("ADD", pod, Conf());
    const Started del = Start("DEL", pod, Conf());
    const json::Value result = Await(add);
    Await(del);
    if (HasLink("eth0", pod)) {
      EXPECT_THAT(Check(pod, Conf(), result), Succeeds());
    }
    EXPECT_THAT(Del(pod, Conf()), Succeeds());
  }
  ExpectNothingLeft("after all rounds");
}

}  // namespace
}  // namespace trivet::cni
