#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cri-runtime/live_config.h"
#include "cri-runtime/operations/metrics_server.h"
#include "cri-runtime/operations/prometheus.h"
#include "cri-runtime/operations/run_loop.h"
#include "tests/testing/matchers.h"

namespace trivet::cri {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::StartsWith;

UniqueFd Connect(int port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(static_cast<uint16_t>(port)),
                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return UniqueFd();
  }
  return socket;
}

std::string Ask(int port, const std::string& request) {
  const UniqueFd socket = Connect(port);
  if (!socket.valid()) return "no connection";
  ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char piece[1024];
  for (ssize_t n = 0; (n = ::recv(socket.get(), piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<size_t>(n));
  }
  return answer;
}

TEST(MetricsServer, AnswersGetMetricsAndNothingElse) {
  const auto server = MetricsServer::Start("127.0.0.1:0", [] { return std::string("x 1\n"); });
  ASSERT_THAT(server, IsOk());
  const int port = (*server)->port();
  EXPECT_THAT(Ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
              ::testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nx 1\n")));
  EXPECT_THAT(Ask(port, "GET /metrics?a=b HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(port, "GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask(port, "POST /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_EQ(Ask(port, std::string(20'000, 'x')), "");
  EXPECT_THAT(Ask(port, "GET /metrics HTTP/1.1\r\n\r\n"), HasSubstr("x 1"));
}

// A byte now and then is no reason to stay: the daemon could not stop, and nobody else was
// answered.
TEST(MetricsServer, EndsWhileAClientSendsByteAfterByte) {
  auto server = MetricsServer::Start("127.0.0.1:0", [] { return std::string("x 1\n"); });
  ASSERT_THAT(server, IsOk());
  const UniqueFd client = Connect((*server)->port());
  std::atomic<bool> ended = false;
  std::thread slow([&] {
    while (!ended && ::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  server->reset();
  ended = true;
  slow.join();
}

TEST(MetricsServer, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "9470", "localhost:9470", "127.0.0.1:", "127.0.0.1:x", "[::1]",
                              "127.0.0.1:70000", "::1:80x"}) {
    EXPECT_THAT(MetricsServer::Start(address, nullptr),
                FailsWith(Code::kInvalidArgument, "metricsAddress"))
        << address;
  }
}

TEST(PrometheusText, CountsCallsByMethodAndCode) {
  rpc::MethodCalls calls{.count = 3, .seconds = 1.5, .by_code = {{0, 2}, {5, 1}}};
  calls.buckets[0] = 2;
  const std::string text = PrometheusText({.calls = {{"RunPodSandbox", calls}},
                                           .snapshot = std::make_shared<const state::Snapshot>(),
                                           .network_ready = true});
  EXPECT_THAT(text, HasSubstr("trivet_cri_calls_total{method=\"RunPodSandbox\",code=\"5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{method=\"RunPodSandbox\",le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{method=\"RunPodSandbox\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("trivet_cri_network_ready 1\n"));
}

TEST(LiveConfig, TakesWhatCanChangeAndNamesWhatCannot) {
  LiveConfig live(Config{});
  Config next;
  next.pids_limit = 99;
  next.runtime_handlers["quick"] = "/bin/quick-shim";
  next.state_dir = "/elsewhere";
  EXPECT_THAT(live.Replace(next), ElementsAre("stateDir"));
  EXPECT_EQ(live->pids_limit, 99);
  EXPECT_EQ(live->state_dir, Config{}.state_dir);
  EXPECT_EQ(*ShimOfHandler(*live.Get(), "quick"), "/bin/quick-shim");
}

TEST(WatchdogInterval, IsTheServiceManagersWhenItAsksThisProcess) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(WatchdogInterval(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(WatchdogInterval().has_value());
  ::unsetenv("WATCHDOG_PID");
  ::setenv("WATCHDOG_USEC", "much", 1);
  EXPECT_FALSE(WatchdogInterval().has_value());
  ::unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace trivet::cri
