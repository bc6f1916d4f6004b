// A program that serves runs. What a run does is its standard input's to say; it answers with that.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/linux/file.h"
#include "common/linux/run_server.h"

namespace trivet {
namespace {

std::string Environment() {
  std::string text;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    text += std::string(*variable) + "\n";
  }
  return text;
}

int ServeAll() {
  int runs = 0;
  const auto run = [&](const ServedRun& asked) -> ServedResult {
    const std::string_view input = asked.input;
    ++runs;
    if (input == "hang") ::pause();
    if (input == "die") ::raise(SIGKILL);
    if (input == "fail") return {.exit_code = 7, .output = "why"};
    if (input == "answer 70000 bytes") return {.exit_code = 0, .output = std::string(70'000, 'x')};
    if (input == "name") return {.exit_code = 0, .output = asked.name};
    if (input == "environment") return {.exit_code = 0, .output = Environment()};
    if (input == "runs") return {.exit_code = 0, .output = std::to_string(runs)};
    return {.exit_code = 0, .output = std::string(input)};
  };
  return ServeRuns(RunServer::kSocketFd, run);
}

// As any program that is executed.
int RunOnce() {
  const auto input = ReadAll(STDIN_FILENO, "standard input");
  return input && WriteAll(STDOUT_FILENO, "executed", "standard output") ? EXIT_SUCCESS
                                                                         : EXIT_FAILURE;
}

}  // namespace
}  // namespace trivet

int main(int argc, char** argv) {
  const bool serves = argc == 2 && argv[1] == trivet::kServeRunsFlag;
  return serves ? trivet::ServeAll() : trivet::RunOnce();
}
