#include "cri-runtime/systemd/scope_keeper.h"

#include <charconv>
#include <string>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "common/linux/pipe.h"

namespace trivet::systemd {
Result<ScopeKeeper> ScopeKeeper::Start(const std::filesystem::path& shim) {
  ASSIGN_OR_RETURN(Pipe command, MakePipe());
  ASSIGN_OR_RETURN(Pipe answer, MakePipe());
  ASSIGN_OR_RETURN(const Child starter,
                   StartCommand({.program = shim, .args = {"--keep-scope"}},
                                {{0, command.reader.get()}, {1, answer.writer.get()}}),
                   "scope keeper");
  command.reader.reset();
  answer.writer.reset();
  // The starter ends at once; what it leaves has another parent, which reaps it one day.
  const auto text = ReadAll(answer.reader.get(), "scope keeper");
  RETURN_IF_ERROR(Reap(starter.pidfd), "scope keeper");
  RETURN_IF_ERROR(text);
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0) return Fail(Code::kInternal, "scope keeper: it did not start");
  return ScopeKeeper(pid, std::move(command.writer));
}

Result<> ScopeKeeper::LetGo() && {
  RETURN_IF_ERROR(WriteAll(command_.get(), "k", "scope keeper"));
  command_.reset();
  return {};
}

}  // namespace trivet::systemd
