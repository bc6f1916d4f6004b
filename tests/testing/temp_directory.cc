#include "tests/testing/temp_directory.h"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace trivet::testing {

TempDirectory::TempDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "trivet-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempDirectory::Fill(std::initializer_list<std::pair<std::string, std::string>> files) const {
  for (const auto& [name, content] : files) {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }
}

}  // namespace trivet::testing
