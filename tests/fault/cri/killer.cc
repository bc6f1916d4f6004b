#include "tests/fault/cri/killer.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "common/linux/command.h"
#include "common/linux/file.h"

namespace trivet::testing {

Result<Killer> Killer::Attach(pid_t process, int number) {
  const std::filesystem::path program =
      std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "../tests/kill_at_system_call";
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSIGN_OR_RETURN(
      Child helper,
      StartCommand({.program = program.lexically_normal(),
                    .args = {std::to_string(number), "attach", std::to_string(process)}},
                   {{1, writer.get()}, {2, 2}}));
  writer.reset();
  std::array<char, 9> word{};  // "attached\n"
  if (::read(reader.get(), word.data(), word.size()) > 0) {
    return Killer(std::move(helper), std::move(reader));
  }
  static_cast<void>(Reap(helper.pidfd));
  return Fail(Code::kInternal, "kill_at_system_call did not attach to {}", process);
}

bool Killer::Finish() {
  static_cast<void>(SendSignal(helper_.pidfd, SIGKILL));
  static_cast<void>(Reap(helper_.pidfd));
  helper_.pidfd.reset();
  const auto words = ReadAll(words_.get(), "words");
  return words && !words->empty();
}

Killer::~Killer() {
  if (helper_.pidfd.valid()) Finish();
}

}  // namespace trivet::testing
