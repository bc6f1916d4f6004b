#include "cri-runtime/systemd/scope_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "common/linux/command.h"
#include "common/linux/file.h"

namespace trivet::systemd {
namespace {

Result<std::array<UniqueFd, 2>> MakeKeeperPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  return std::array<UniqueFd, 2>{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

Result<ScopeKeeper> ScopeKeeper::Start(const std::filesystem::path& shim) {
  ASSIGN_OR_RETURN(auto command, MakeKeeperPipe());
  ASSIGN_OR_RETURN(auto answer, MakeKeeperPipe());
  ASSIGN_OR_RETURN(const Child starter,
                   StartCommand({.program = shim, .args = {"--keep-scope"}},
                                {{0, command[0].get()}, {1, answer[1].get()}}),
                   "scope keeper");
  command[0].reset();
  answer[1].reset();
  // The starter ends at once; what it leaves has another parent, which reaps it one day.
  const auto text = ReadAll(answer[0].get(), "scope keeper");
  RETURN_IF_ERROR(Reap(starter.pidfd), "scope keeper");
  RETURN_IF_ERROR(text);
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0) return Fail(Code::kInternal, "scope keeper: it did not start");
  return ScopeKeeper(pid, std::move(command[1]));
}

Result<> ScopeKeeper::LetGo() && {
  RETURN_IF_ERROR(WriteAll(command_.get(), "k", "scope keeper"));
  command_.reset();
  return {};
}

}  // namespace trivet::systemd
