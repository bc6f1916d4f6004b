#include "cni/ipam/delegate.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

constexpr uint64_t kMaxAnswerBytes = uint64_t{1} << 20;
constexpr int kTryAgainLater = 11;
constexpr int kNotAvailable = 50;
constexpr int kNotAvailableLimited = 51;

Result<std::filesystem::path> FindPlugin(const Environment& environment, const std::string& type) {
  if (type.find('/') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not a plugin's name", type);
  }
  for (const std::filesystem::path& folder : environment.plugin_path) {
    std::filesystem::path program = folder / type;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not built in and not in CNI_PATH", type);
}

// Our environment with another command: a failed ADD is undone by the delegate's DEL.
std::vector<std::string> EnvironmentFor(std::string_view command) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("CNI_COMMAND=")) variables.emplace_back(*variable);
  }
  variables.push_back(fmt::format("CNI_COMMAND={}", command));
  return variables;
}

// A file in memory, not a pipe: no reader can block us.
Result<UniqueFd> InputOf(const std::string& text) {
  UniqueFd input(::memfd_create("stdin", MFD_CLOEXEC));
  if (!input.valid()) return FailErrno("memfd_create");
  RETURN_IF_ERROR(WriteAll(input.get(), text, "memfd"));
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return FailErrno("lseek memfd");
  return input;
}

Result<pid_t> Spawn(const std::filesystem::path& program, std::vector<std::string> variables,
                    int input_fd, int output_fd) {
  std::string name = program.filename();
  const std::array<char*, 2> argv{name.data(), nullptr};
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input_fd, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return std::unexpected(Error::FromErrno(error, fmt::format("run {}", program.native())));
  }
  return pid;
}

Result<int> Wait(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno("wait for process {}", pid);
  }
  return status;
}

// The error object on standard output, where there is one: {code, msg, details}.
Error FailureOf(const std::string& type, const std::string& output, int status) {
  int code = 0;
  std::string message;
  std::string details;
  if (const auto answer = json::Parse(output); answer && answer->is_object()) {
    const bool readable = json::ReadOptional(*answer, "code", code).has_value() &&
                          json::ReadOptional(*answer, "msg", message).has_value() &&
                          json::ReadOptional(*answer, "details", details).has_value();
    if (!readable) message = output;
  }
  if (message.empty()) message = fmt::format("ended with wait status {:#x}", status);
  if (!details.empty()) message += ": " + details;
  const bool later = code == kTryAgainLater || code == kNotAvailable || code == kNotAvailableLimited;
  return {later ? Code::kUnavailable : Code::kInternal, fmt::format("ipam {}: {}", type, message)};
}

}  // namespace

Result<std::string> Delegate::Run(std::string_view command) {
  const std::string& type = conf_.ipam_type;
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindPlugin(environment_, type));
  ASSIGN_OR_RETURN(const UniqueFd input, InputOf(json::Write(conf_.root)));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);

  ASSIGN_OR_RETURN(const pid_t pid,
                   Spawn(program, EnvironmentFor(command), input.get(), write_end.get()));
  write_end.reset();
  auto output = ReadAll(read_end.get(), type, kMaxAnswerBytes);
  ASSIGN_OR_RETURN(const int status, Wait(pid));
  RETURN_IF_ERROR(output);
  if (status != 0) return std::unexpected(FailureOf(type, *output, status));
  return output;
}

Result<AddResult> Delegate::Add() {
  ASSIGN_OR_RETURN(const std::string output, Run("ADD"));
  ASSIGN_OR_RETURN(const json::Value answer, json::Parse(output), "ipam answer");
  return ParseAddResult(answer);
}

Result<> Delegate::Del() {
  RETURN_IF_ERROR(Run("DEL"));
  return {};
}

Result<> Delegate::Check() {
  RETURN_IF_ERROR(Run("CHECK"));
  return {};
}

Result<> Delegate::Gc(const std::vector<AttachmentKey>& /*valid*/) {
  RETURN_IF_ERROR(Run("GC"));  // reads the list from the same standard input
  return {};
}

Result<> Delegate::Status() {
  RETURN_IF_ERROR(Run("STATUS"));
  return {};
}

}  // namespace trivet::cni
