// Stands before an OCI runtime on a node without the controller `cpu`, and takes out the CPU shares
// that the peers ask for every sandbox. Becomes the program that ITS_OWN_PATH.real leads to, with
// the library of ITS_OWN_PATH.preload.
// Usage: as of the runtime.

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string Read(int fd) {
  constexpr size_t kPiece = 1 << 16;
  std::string text;
  for (ssize_t n = 1; n > 0;) {
    const size_t before = text.size();
    text.resize(before + kPiece);
    n = ::read(fd, text.data() + before, kPiece);
    text.resize(before + (n > 0 ? static_cast<size_t>(n) : 0));
  }
  return text;
}

// They are the first key of their object: `"shares":2`, and a comma when another follows.
void BlankShares(const std::string& bundle) {
  constexpr std::string_view kKey = "\"shares\":";
  const int fd = ::open((bundle + "/config.json").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  const std::string text = Read(fd);
  const size_t start = text.find(kKey);
  if (start == text.npos) return;
  size_t end = start + kKey.size();
  while (end < text.size() && (text[end] == ' ' || std::isdigit(text[end]) != 0)) ++end;
  if (end < text.size() && text[end] == ',') ++end;
  const std::string blank(end - start, ' ');
  if (::pwrite(fd, blank.data(), blank.size(), static_cast<off_t>(start)) < 0) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  for (int at = 1; at + 1 < argc; ++at) {
    if (std::string_view(argv[at]) == "--bundle") BlankShares(argv[at + 1]);
  }
  const std::string self = argv[0];
  ::setenv("LD_PRELOAD", (self + ".preload").c_str(), 1);
  ::execv((self + ".real").c_str(), argv);
  std::perror(argv[0]);
  return EXIT_FAILURE;
}
