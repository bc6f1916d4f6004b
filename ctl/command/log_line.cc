#include "ctl/command/log_line.h"

namespace trivet::ctl {
namespace {

std::string_view TakeWord(std::string_view& rest) {
  const size_t blank = rest.find(' ');
  const std::string_view word = rest.substr(0, blank);
  rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  return word;
}

}  // namespace

Result<LogLine> ParseLogLine(std::string_view line) {
  LogLine parsed;
  std::string_view rest = line;
  parsed.time = TakeWord(rest);
  const std::string_view stream = TakeWord(rest);
  const std::string_view tags = TakeWord(rest);
  // Tags are separated by ':'; the first says whether the line is whole, later ones are optional.
  const std::string_view tag = tags.substr(0, tags.find(':'));
  if (parsed.time.size() < 20 || (stream != "stdout" && stream != "stderr") ||
      (tag != "P" && tag != "F")) {
    return Fail(Code::kDataLoss, "not a line of a CRI log: \"{}\"", line.substr(0, 80));
  }
  parsed.is_stderr = stream == "stderr";
  parsed.partial = tag == "P";
  parsed.text = rest;
  return parsed;
}

}  // namespace trivet::ctl
