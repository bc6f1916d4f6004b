#include "tests/testing/directories.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "common/linux/file.h"

namespace trivet::testing {
namespace {

// GoogleTest turns the exception into the test's failure; a null pointer would end the process.
std::filesystem::path Required(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) throw std::runtime_error(std::string(variable) + " is not set; use ctest");
  return value;
}

}  // namespace

std::filesystem::path BinDirectory() {
  return Required("TRIVET_BIN_DIR");
}

std::filesystem::path SourceDirectory() {
  return Required("TRIVET_SOURCE_DIR");
}

bool ProgramsAreSanitized() {
  static const bool sanitized = [] {
    const auto image = ReadFile(BinDirectory() / "trivet-cni", uint64_t{1} << 30);
    if (!image) throw std::runtime_error(image.error().message());
    return image->contains("libasan.so") || image->contains("libtsan.so");
  }();
  return sanitized;
}

}  // namespace trivet::testing
