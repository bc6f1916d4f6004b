#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::image {

/// The path of a tar entry, taken apart. No part is empty, "." or "..": joined
/// below a folder it stays below it (symbolic links aside).
struct EntryPath {
  std::vector<std::string> parts;  // empty for the root itself

  /// `text` may start with "./" or "/", which both mean the root, and end with "/".
  /// Errors: kInvalidArgument for a ".." and for what is longer than any path; kResourceExhausted
  /// for more than `depth` parts.
  static Result<EntryPath> Parse(std::string_view text, uint64_t depth);

  [[nodiscard]] bool is_root() const { return parts.empty(); }
  [[nodiscard]] const std::string& name() const { return parts.back(); }
  /// "a/b", or "." for the root.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] EntryPath Parent() const;
  [[nodiscard]] EntryPath operator/(const std::string& name) const;
};

/// What the name of a layer's entry means.
/// Source: OCI image specification, layer.md "Whiteouts".
enum class Marker {
  kNone,      // an entry like any other
  kWhiteout,  // ".wh.name": `name` of the layers below is gone
  kOpaque,    // ".wh..wh..opq": everything of the layers below in this folder is gone
  kIgnored,   // ".wh..wh.…": AUFS's own book-keeping
};
Marker MarkerOf(std::string_view name);

/// "name" of ".wh.name". Errors: kInvalidArgument when that is empty, "." or "..".
Result<std::string> WhitedOutName(std::string_view name);

}  // namespace trivet::image
