#include "cri-runtime/operations/metrics_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>

namespace trivet::cri {
namespace {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Result<Endpoint> ParseEndpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  const std::string port_text = colon == std::string::npos ? "" : text.substr(colon + 1);
  uint16_t port = 0;
  const char* end = port_text.data() + port_text.size();
  const auto read = std::from_chars(port_text.data(), end, port);
  Endpoint endpoint;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (read.ec == std::errc() && read.ptr == end && !port_text.empty()) {
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      endpoint.size = sizeof *v4;
      return endpoint;
    }
    if (bracketed &&
        ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6->sin6_addr) == 1) {
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      endpoint.size = sizeof *v6;
      return endpoint;
    }
  }
  return Fail(Code::kInvalidArgument, "metricsAddress: \"{}\" is no ADDRESS:PORT", text);
}

Result<UniqueFd> ListenOn(const std::string& text) {
  constexpr int kBacklog = 16;
  ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(text));
  UniqueFd socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("socket");
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) !=
          0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return FailErrno("listen on {}", text);
  }
  return socket;
}

// One client. However slowly it sends and reads, it has its time once; the server's end ends it.
class Exchange {
 public:
  Exchange(const UniqueFd& client, const UniqueFd& wake) : client_(client), wake_(wake) {}

  [[nodiscard]] std::string ReadRequest() const;
  void SendAll(std::string_view text) const;

 private:
  static constexpr auto kPatience = std::chrono::seconds(5);

  [[nodiscard]] bool Await(int16_t what) const {
    std::array<pollfd, 2> events{pollfd{client_.get(), what, 0}, pollfd{wake_.get(), POLLIN, 0}};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    return ::poll(events.data(), events.size(), static_cast<int>(left.count())) > 0 &&
           events[1].revents == 0;
  }

  const UniqueFd& client_;
  const UniqueFd& wake_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + kPatience;
};

// The request up to its empty line; empty when it does not come to one in time.
std::string Exchange::ReadRequest() const {
  constexpr size_t kMaxBytes = 8192;
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::string request;
  while (request.size() < kMaxBytes && Await(POLLIN)) {
    std::array<char, 1024> piece;
    const ssize_t n = ::recv(client_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (n <= 0) return "";
    request.append(piece.data(), static_cast<size_t>(n));
    if (request.find(kEnd) != std::string::npos) return request;
  }
  return "";
}

std::string Response(std::string_view status, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

void Exchange::SendAll(std::string_view text) const {
  while (!text.empty() && Await(POLLOUT)) {
    const ssize_t n = ::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address, Text text) {
  ASSIGN_OR_RETURN(UniqueFd listening, ListenOn(address));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FailErrno("eventfd");
  std::unique_ptr<MetricsServer> server(
      new MetricsServer(std::move(listening), std::move(wake), std::move(text)));
  server->thread_ = std::thread([self = server.get()] { self->Loop(); });
  return server;
}

MetricsServer::~MetricsServer() {
  static_cast<void>(::eventfd_write(wake_.get(), 1));
  thread_.join();
}

int MetricsServer::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(&address)->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
}

void MetricsServer::Loop() {
  constexpr int kPauseMs = 100;
  while (true) {
    std::array<pollfd, 2> events{pollfd{listening_.get(), POLLIN, 0},
                                 pollfd{wake_.get(), POLLIN, 0}};
    ::poll(events.data(), events.size(), -1);
    if (events[1].revents != 0) return;
    const UniqueFd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.valid()) {
      Answer(client);
    } else {
      ::poll(&events[1], 1, kPauseMs);  // without descriptors it would be asked again at once
    }
  }
}

void MetricsServer::Answer(const UniqueFd& client) const {
  const Exchange exchange(client, wake_);
  const std::string request = exchange.ReadRequest();
  if (request.empty()) return;
  if (!request.starts_with("GET ")) {
    return exchange.SendAll(Response("405 Method Not Allowed", "only GET\n"));
  }
  const std::string_view rest = std::string_view(request).substr(4);
  const std::string_view path = rest.substr(0, rest.find_first_of(" ?\r"));
  if (path != "/metrics") return exchange.SendAll(Response("404 Not Found", "/metrics\n"));
  exchange.SendAll(Response("200 OK", text_()));
}

}  // namespace trivet::cri
