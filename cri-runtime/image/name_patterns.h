#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::image {

/// Which images an admin means, by their names:
///
///     busybox:1.36         the image of this name, written short or in full, or name@digest
///     r.example/base/*     those whose full name begins so
///     *pause*              those whose full name has this in it
class NamePatterns {
 public:
  /// Errors: kInvalidArgument naming the pattern: a name that is none, a * anywhere else.
  static Result<NamePatterns> Parse(const std::vector<std::string>& patterns);

  /// Whether a pattern means one of these names, each in its full form.
  [[nodiscard]] bool MeanOneOf(const std::vector<std::string>& names) const;

 private:
  enum class Kind { kWhole, kBeginning, kPart };
  struct Pattern {
    Kind kind = Kind::kWhole;
    std::string text;
    [[nodiscard]] bool Means(const std::string& name) const;
  };
  static Result<Pattern> ParseOne(const std::string& text);

  std::vector<Pattern> patterns_;
};

}  // namespace trivet::image
