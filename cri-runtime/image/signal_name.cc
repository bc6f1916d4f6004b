#include "cri-runtime/image/signal_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <utility>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr int kMaxSignal = 64;
// The kernel's numbers; the C library's SIGRTMIN macro is two higher at run time.
constexpr int kRealTimeMin = 34;

constexpr std::array<std::pair<std::string_view, int>, 34> kSignals{{
    {"HUP", 1},   {"INT", 2},   {"QUIT", 3},    {"ILL", 4},   {"TRAP", 5},    {"ABRT", 6},
    {"IOT", 6},   {"BUS", 7},   {"FPE", 8},     {"KILL", 9},  {"USR1", 10},   {"SEGV", 11},
    {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14},   {"TERM", 15}, {"STKFLT", 16}, {"CHLD", 17},
    {"CONT", 18}, {"STOP", 19}, {"TSTP", 20},   {"TTIN", 21}, {"TTOU", 22},   {"URG", 23},
    {"XCPU", 24}, {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27}, {"WINCH", 28},  {"IO", 29},
    {"POLL", 29}, {"PWR", 30},  {"SYS", 31},    {"CLD", 17},
}};

// The whole of `text` as a number from `low` to `high`, or -1.
int Number(std::string_view text, int low, int high) {
  int value = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && value >= low && value <= high ? value : -1;
}

int RealTime(std::string_view name) {
  if (name == "RTMIN") return kRealTimeMin;
  if (name == "RTMAX") return kMaxSignal;
  const int span = kMaxSignal - kRealTimeMin;
  if (name.starts_with("RTMIN+")) {
    const int offset = Number(name.substr(6), 0, span);
    return offset < 0 ? -1 : kRealTimeMin + offset;
  }
  if (name.starts_with("RTMAX-")) {
    const int offset = Number(name.substr(6), 0, span);
    return offset < 0 ? -1 : kMaxSignal - offset;
  }
  return -1;
}

}  // namespace

Result<int> ParseSignal(std::string_view text) {
  if (const int number = Number(text, 1, kMaxSignal); number > 0) return number;
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const std::string_view name = std::string_view(upper).substr(upper.starts_with("SIG") ? 3 : 0);
  for (const auto& [known, number] : kSignals) {
    if (known == name) return number;
  }
  if (const int number = RealTime(name); number > 0) return number;
  return Fail(Code::kInvalidArgument, "'{}' is not a signal", Printable(text));
}

}  // namespace trivet::image
