#include "cri-runtime/shim_client/connection.h"

#include <sys/eventfd.h>

namespace trivet::cri {

// In 1.0, as every shim reads it. An answer in a minor that was not offered is none.
Result<shim::State> ShimConnection::Hello(std::chrono::milliseconds patience) {
  minor_ = 0;
  ASSIGN_OR_RETURN(const Packet answer,
                   Exchange(shim::Verb::kHello, wire::Encode(shim::Offer{}), {}, patience));
  ASSIGN_OR_RETURN(shim::State state, DecodeBody<shim::State>(answer));
  minor_ = shim::MinorOf(answer.header.version);
  return state;
}

// Until its end an answer may come.
class ShimConnection::Reserved {
 public:
  Reserved(ShimConnection& connection, uint32_t serial)
      : connection_(connection), serial_(serial) {}
  ~Reserved() {
    const std::scoped_lock lock(connection_.mutex_);
    const auto wait = connection_.waiting_.find(serial_);
    wait->second.sent.End();
    connection_.waiting_.erase(wait);
  }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

 private:
  ShimConnection& connection_;
  uint32_t serial_;
};

Result<Packet> ShimConnection::Exchange(shim::Verb verb, const std::string& body,
                                        const std::vector<int>& fds,
                                        std::chrono::milliseconds patience,
                                        const Meanwhile& meanwhile) {
  const auto until = patience == kForever ? Clock::time_point::max() : Clock::now() + patience;
  const shim::Header header{.version = shim::VersionOf(minor()), .serial = 1, .verb = verb};
  std::optional<ExecLine::Use> line;
  if (meanwhile) line.emplace(exec_line_);
  ASSIGN_OR_RETURN(std::optional<Packet> awaited,
                   line && line->valid() ? ExchangeOn(*line, header, body, fds, until, meanwhile)
                                         : ExchangeHere(header, body, fds, until, meanwhile));
  if (!awaited) {
    return Fail(Code::kDeadlineExceeded, "the shim of sandbox {} did not answer within {} ms",
                sandbox_id_, patience.count());
  }
  Packet& answer = *awaited;
  if (answer.header.code == 0) return std::move(answer);
  return std::unexpected(Error(static_cast<Code>(answer.header.code), answer.header.message));
}

Result<std::optional<Packet>> ShimConnection::ExchangeOn(
    ExecLine::Use& line, const shim::Header& header, const std::string& body,
    const std::vector<int>& fds, Clock::time_point until, const Meanwhile& meanwhile) {
  RETURN_IF_ERROR(SendPacket(line.fd(), header, body, fds));
  meanwhile(line.fd(), until);
  auto answer = ReceivePacket(line.fd());
  const Code failure = answer ? Code{} : answer.error().code();
  if (failure == Code::kAborted) return std::nullopt;
  if (failure == Code::kUnavailable) {
    const std::scoped_lock lock(mutex_);
    return std::unexpected(WhyGone());
  }
  if (!answer) return std::unexpected(std::move(answer).error());
  line.SetAnswered();
  return std::move(*answer);
}

Result<std::optional<Packet>> ShimConnection::ExchangeHere(shim::Header header,
                                                           const std::string& body,
                                                           const std::vector<int>& fds,
                                                           Clock::time_point until,
                                                           const Meanwhile& meanwhile) {
  std::shared_ptr<const UniqueFd> answered;
  if (meanwhile) {
    answered = std::make_shared<UniqueFd>(::eventfd(0, EFD_CLOEXEC));
    if (!answered->valid()) return FailErrno("eventfd");
  }
  ASSIGN_OR_RETURN(header.serial, Reserve(answered));
  const Reserved reserved(*this, header.serial);
  RETURN_IF_ERROR(SendPacket(socket_.get(), header, body, fds));
  if (meanwhile) meanwhile(answered->get(), until);
  return Await(header.serial, until);
}

Result<uint32_t> ShimConnection::Reserve(std::shared_ptr<const UniqueFd> answered_fd) {
  const std::scoped_lock lock(mutex_);
  if (gone_) return std::unexpected(WhyGone());
  do {
    ++last_serial_;
  } while (last_serial_ == 0 || waiting_.contains(last_serial_));  // 0 is an event's
  waiting_[last_serial_].answered_fd = std::move(answered_fd);
  return last_serial_;
}

Result<std::optional<Packet>> ShimConnection::Await(uint32_t serial, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  Wait& wait = waiting_[serial];
  const auto done = [&] { return gone_ || wait.answer.has_value(); };
  if (until == Clock::time_point::max()) {
    answered_.wait(lock, done);
  } else {
    answered_.wait_until(lock, until, done);
  }
  std::optional<Packet> answer = std::move(wait.answer);
  if (!answer && gone_) return std::unexpected(WhyGone());
  return answer;
}

void ShimConnection::Wake(const UniqueFd* answered_fd) {
  if (answered_fd != nullptr) static_cast<void>(::eventfd_write(answered_fd->get(), 1));
}

void ShimConnection::Deliver(Packet packet) {
  std::shared_ptr<const UniqueFd> answered_fd;
  {
    const std::scoped_lock lock(mutex_);
    const auto call = waiting_.find(packet.header.serial);
    if (call == waiting_.end()) return;  // nobody waits any more
    call->second.answer = std::move(packet);
    // The shim has woken this thread, on its own processor most likely: whoever waits goes on
    // there, and not where the container's first process begins.
    if (waits_ == 1) call->second.sent = SendHere(call->second.thread);
    answered_fd = call->second.answered_fd;
  }
  Wake(answered_fd.get());  // whoever wakes needs the lock
  answered_.notify_all();
}

Error ShimConnection::WhyGone() const {
  if (gone_reason_) return *gone_reason_;
  return {Code::kUnavailable, fmt::format("the shim of sandbox {} is gone", sandbox_id_)};
}

void ShimConnection::MarkGone(std::optional<Error> reason) {
  exec_line_.End();
  const std::scoped_lock lock(mutex_);
  gone_ = true;
  gone_reason_ = std::move(reason);
  for (const auto& [serial, wait] : waiting_) Wake(wait.answered_fd.get());
  answered_.notify_all();
}

}  // namespace trivet::cri
