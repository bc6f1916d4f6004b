#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "cri-runtime/image/digest.h"

namespace trivet::image {

/// An image name in its full form: "docker.io/library/busybox:1.36".
///
/// What people write is shorter. The field's rule fills it up: no host means
/// docker.io, and there a name of one word is in library/; no tag and no digest
/// means the tag "latest".
/// Source: the distribution project's reference grammar.
struct Reference {
  std::string repository;        // host and path, no tag
  std::string tag;               // empty when only a digest was given
  std::optional<Digest> digest;  // wins over the tag when both are there

  /// Errors: kInvalidArgument naming the text and what is wrong with it.
  static Result<Reference> Parse(std::string_view text);

  /// "repository:tag", or empty without a tag.
  [[nodiscard]] std::string NameWithTag() const;
  /// "repository@digest", or empty without a digest.
  [[nodiscard]] std::string NameWithDigest() const;
};

}  // namespace trivet::image
