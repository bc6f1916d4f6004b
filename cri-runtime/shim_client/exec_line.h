#pragma once

#include <filesystem>
#include <mutex>

#include "common/base/unique_fd.h"

namespace trivet::cri {

/// One more connection to a shim, for an exec at a time. Who waits for its end reads the answer
/// itself: on the shim's first connection the reactor is woken, and wakes it. Any thread.
class ExecLine {
 public:
  explicit ExecLine(std::filesystem::path shim) : shim_(std::move(shim)) {}

  /// The connection for one exec. It is closed afterwards, as an answer may still come, unless that
  /// has come.
  class Use {
   public:
    /// Without a connection for the first exec, which most pods have no second of; while another
    /// exec has it; where there can be none. Then the shim's first connection is as good.
    explicit Use(ExecLine& line) : line_(line), connection_(line.Take()) {}
    ~Use() {
      if (valid()) line_.Give(answered_ ? std::move(connection_) : UniqueFd());
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    [[nodiscard]] bool valid() const { return connection_.valid(); }
    [[nodiscard]] int fd() const { return connection_.get(); }
    void SetAnswered() { answered_ = true; }

   private:
    ExecLine& line_;
    UniqueFd connection_;
    bool answered_ = false;
  };

  /// There is no connection any more.
  void End();

 private:
  UniqueFd Take();
  void Give(UniqueFd connection);

  std::filesystem::path shim_;
  std::mutex mutex_;
  bool had_one_ = false;
  bool taken_ = false;
  bool ended_ = false;
  UniqueFd idle_;
};

}  // namespace trivet::cri
