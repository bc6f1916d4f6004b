#include "cri-runtime/shim_client/connection.h"

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

Result<Packet> ShimConnection::Exchange(shim::Verb verb, const std::string& body,
                                        const std::vector<int>& fds,
                                        std::chrono::milliseconds patience) {
  ASSIGN_OR_RETURN(const uint32_t serial, Reserve());
  const shim::Header header{.version = shim::VersionOf(minor()), .serial = serial, .verb = verb};
  if (auto sent = SendPacket(socket_.get(), header, body, fds); !sent) {
    const std::scoped_lock lock(mutex_);
    waiting_.erase(serial);
    return std::unexpected(std::move(sent).error());
  }
  ASSIGN_OR_RETURN(Packet answer, Await(serial, patience));
  if (answer.header.code == 0) return answer;
  return std::unexpected(Error(static_cast<Code>(answer.header.code), answer.header.message));
}

Result<uint32_t> ShimConnection::Reserve() {
  const std::scoped_lock lock(mutex_);
  if (gone_) return std::unexpected(WhyGone());
  do {
    ++last_serial_;
  } while (last_serial_ == 0 || waiting_.contains(last_serial_));  // 0 is an event's
  waiting_[last_serial_];
  return last_serial_;
}

Result<Packet> ShimConnection::Await(uint32_t serial, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto done = [&] { return gone_ || waiting_[serial].has_value(); };
  if (patience == kForever) {
    answered_.wait(lock, done);
  } else {
    answered_.wait_for(lock, patience, done);
  }
  std::optional<Packet> answer = std::move(waiting_[serial]);
  waiting_.erase(serial);
  if (answer) return std::move(*answer);
  if (gone_) return std::unexpected(WhyGone());
  return Fail(Code::kDeadlineExceeded, "the shim of sandbox {} did not answer within {} ms",
              sandbox_id_, patience.count());
}

void ShimConnection::Deliver(Packet packet) {
  const std::scoped_lock lock(mutex_);
  const auto call = waiting_.find(packet.header.serial);
  if (call == waiting_.end()) return;  // nobody waits any more
  call->second = std::move(packet);
  answered_.notify_all();
}

Error ShimConnection::WhyGone() const {
  if (gone_reason_) return *gone_reason_;
  return {Code::kUnavailable, fmt::format("the shim of sandbox {} is gone", sandbox_id_)};
}

void ShimConnection::MarkGone(std::optional<Error> reason) {
  const std::scoped_lock lock(mutex_);
  gone_ = true;
  gone_reason_ = std::move(reason);
  answered_.notify_all();
}

}  // namespace trivet::cri
