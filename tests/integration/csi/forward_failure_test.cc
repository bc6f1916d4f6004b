// Nodes that are away, strangers, and what a controller that forwards says of them.

#include <gmock/gmock.h>
#include <signal.h>

#include <functional>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/csi/forward_test.h"

namespace trivet::csi {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ForwardFailure : public ForwardTest {
 protected:
  // What the node says to a client with this certificate.
  grpc::StatusCode AskAs(const std::string& name) {
    Kill("controller");
    StartController(TlsArguments(name));
    return Get("v-x", std::chrono::seconds(30));
  }

  grpc::StatusCode List() {
    grpc::ClientContext context;
    ::csi::v1::ListVolumesResponse response;
    return Note(controller().ListVolumes(&context, {}, &response));
  }
};

TEST_F(ForwardFailure, ANodeThatIsDownIsNamedWhereItMattersAndElsewhereDoesNot) {
  StartNode("a", 64);
  StartNode("b", 64);
  StartController();
  const std::string here = Created(CreateRequest("here", 1, {"a"}));
  const std::string away = Created(CreateRequest("away", 1, {"b"}));
  Kill("b");

  EXPECT_EQ(Get(here, std::chrono::seconds(30)), grpc::OK) << message();
  EXPECT_EQ(Created(CreateRequest("here", 1)), here);
  Created(CreateRequest("new", 1, {"a"}));
  EXPECT_TRUE(Ready());
  const std::vector<std::function<grpc::StatusCode()>> calls = {
      [&] { return Get(away, std::chrono::seconds(30)); }, [&] { return Delete(away); },
      [&] { return Create(CreateRequest("any", 1)); },
      [&] { return Create(CreateRequest("there", 1, {"b"})); }, [&] { return List(); }};
  for (const auto& call : calls) {
    EXPECT_EQ(call(), grpc::UNAVAILABLE);
    EXPECT_THAT(message(), HasSubstr("node b: "));
  }

  StartNode("b", 64);
  while (Get(away, std::chrono::seconds(30)) == grpc::UNAVAILABLE) std::this_thread::yield();
  EXPECT_EQ(Delete(away), grpc::OK) << message();
}

TEST_F(ForwardFailure, ANodeKilledInTheMiddleOfACallIsUnavailableAndTheRetryFindsTheVolume) {
  StartNode("a", 64);
  StartController();
  EXPECT_TRUE(Ready());
  Signal("a", SIGSTOP);
  grpc::StatusCode code = grpc::OK;
  std::thread call([&] { code = Create(CreateRequest("v", 1)); });
  Kill("a");
  call.join();
  EXPECT_EQ(code, grpc::UNAVAILABLE);
  EXPECT_THAT(message(), HasSubstr("node a: "));
  StartNode("a", 64);
  while ((code = Create(CreateRequest("v", 1))) == grpc::UNAVAILABLE) std::this_thread::yield();
  EXPECT_EQ(code, grpc::OK) << message();
}

TEST_F(ForwardFailure, TheCallersDeadlineReachesANodeThatHangs) {
  StartNode("a", 64);
  StartController();
  EXPECT_TRUE(Ready());
  Signal("a", SIGSTOP);
  EXPECT_EQ(Get("v-x", std::chrono::milliseconds(300)), grpc::DEADLINE_EXCEEDED);
  const std::string gave_up = "failed method=ControllerGetVolume";  // the controller, too
  while (ReadFile(Path("controller.log")).value_or("").find(gave_up) == std::string::npos) {
    std::this_thread::yield();
  }
  Signal("a", SIGCONT);
  EXPECT_EQ(Get("v-x", std::chrono::seconds(30)), grpc::NOT_FOUND) << message();
}

TEST_F(ForwardFailure, ANodeLetsInNoClientButTheControllerOfItsAuthority) {
  StartNode("a", 64);
  StartController();
  EXPECT_EQ(Get("v-x", std::chrono::seconds(30)), grpc::NOT_FOUND) << message();
  MakeCertificate("node-b");
  EXPECT_EQ(AskAs("node-b"), grpc::UNAVAILABLE);
  EXPECT_THAT(message(), HasSubstr("certificate is not for the name trivet-csi-controller"));
  MakeCertificate("other-authority", "");
  MakeCertificate("trivet-csi-controller", "other-authority");
  EXPECT_EQ(AskAs("trivet-csi-controller"), grpc::UNAVAILABLE);
  EXPECT_THAT(message(), HasSubstr("node a: "));
}

TEST_F(ForwardFailure, ANodeIsBelievedOnlyWithACertificateForItsName) {
  StartNode("a", 64);
  StartController({"--node-endpoint", "b=" + AddressOf("a")});
  EXPECT_EQ(Get("v-x", std::chrono::seconds(30)), grpc::UNAVAILABLE);
  EXPECT_THAT(message(), HasSubstr("node b: "));
}

TEST_F(ForwardFailure, RefusesTcpWithoutTlsAndFlagsThatWouldHaveNoEffect) {
  EXPECT_THAT(Refusal({"--listen", "127.0.0.1:9001", "--state-dir", Path("state")}),
              HasSubstr("--tls-cert, --tls-key and --tls-ca are wanted"));
  EXPECT_THAT(Refusal({"--mode", "controller", "--node-endpoint", "a=127.0.0.1:9001"}),
              HasSubstr("node a: 127.0.0.1:9001 needs --tls-cert"));
  EXPECT_THAT(Refusal({"--mode", "controller"}), HasSubstr("--node-endpoint"));
  EXPECT_THAT(Refusal({"--mode", "controller", "--attach"}), HasSubstr("--attach"));
  EXPECT_THAT(Refusal({"--mode", "controller", "--node-endpoint", "a"}),
              HasSubstr("want NAME=ADDRESS"));
  EXPECT_THAT(Refusal({"--node-endpoint", "a=unix:/x.sock"}), HasSubstr("--mode=controller"));
  MakeCertificate("a");
  EXPECT_THAT(Refusal({"--listen", "127.0.0.1:9001", "--tls-cert", Path("a.pem"), "--tls-key",
                       Path("authority.key"), "--tls-ca", Path("authority.pem")}),
              AllOf(HasSubstr("is not the key of"), HasSubstr("a.pem")));
}

}  // namespace
}  // namespace trivet::csi
