#pragma once

#include <functional>
#include <memory>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "shim/event_loop.h"
#include "shim/log_writer.h"

namespace trivet::shim {

/// The node's /dev/null, verified to be character device 1:3. `flags` are open(2)'s.
Result<UniqueFd> OpenNull(int flags);

/// One output stream of a container on its way to the log.
class OutputStream {
 public:
  /// `on_end` is called once, when every writer has closed the stream. A terminal that all have
  /// closed is kept: a program may open it again, and its hangup would signal the container.
  static Result<std::unique_ptr<OutputStream>> Open(EventLoop& loop, UniqueFd reader, LogFile& log,
                                                    LogStream name, std::function<void()> on_end);
  ~OutputStream();
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  [[nodiscard]] bool ended() const { return !reader_.valid(); }
  /// The container has ended: nobody comes back to a terminal that all have closed.
  void EndAtHangup();
  /// Takes what is there now and gives the stream up, whoever still holds it open.
  void DrainAndClose();

 private:
  OutputStream(EventLoop& loop, UniqueFd reader, LogFile& log, LogStream name,
               std::function<void()> on_end)
      : loop_(loop), reader_(std::move(reader)), log_(log, name), on_end_(std::move(on_end)) {}
  bool TakeOnce();  // false: nothing there now, or the end
  void SetHungUp(bool hung_up);
  void Close();

  EventLoop& loop_;
  UniqueFd reader_;
  LogWriter log_;
  std::function<void()> on_end_;
  bool hung_up_ = false;
  bool hangup_is_end_ = false;
};

}  // namespace trivet::shim
