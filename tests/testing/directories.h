#pragma once

#include <filesystem>

namespace trivet::testing {

/// Where the built executables are: $TRIVET_BIN_DIR, which ctest sets. A test that is started by
/// hand without it ends with one clear failure.
std::filesystem::path BinDirectory();

/// The root of the source tree: $TRIVET_SOURCE_DIR, likewise.
std::filesystem::path SourceDirectory();

/// Whether the built executables have AddressSanitizer or ThreadSanitizer in them, which tests
/// themselves may be without: these programs are larger, slower and loaded with libraries.
bool ProgramsAreSanitized();

}  // namespace trivet::testing
