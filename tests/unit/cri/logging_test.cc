#include "common/rpc/logging.h"

#include <gmock/gmock.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

namespace trivet::rpc {
namespace {

TEST(MakeLogFormatter, WritesOneLineWhateverTheTextSays) {
  const auto formatter = MakeLogFormatter();
  const spdlog::details::log_msg message("cri", spdlog::level::warn,
                                         "error=\"execve /x\nlevel=critical forged\x1b[2J\"");
  spdlog::memory_buf_t line;
  formatter->format(message, line);
  EXPECT_THAT(std::string(line.data(), line.size()),
              ::testing::EndsWith(
                  " level=warning error=\"execve /x\\x0alevel=critical forged\\x1b[2J\"\n"));
}

}  // namespace
}  // namespace trivet::rpc
