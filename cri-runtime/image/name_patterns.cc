#include "cri-runtime/image/name_patterns.h"

#include <algorithm>

#include "cri-runtime/image/reference.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {

Result<NamePatterns> NamePatterns::Parse(const std::vector<std::string>& patterns) {
  NamePatterns parsed;
  for (const std::string& text : patterns) {
    ASSIGN_OR_RETURN(Pattern pattern, ParseOne(text));
    parsed.patterns_.push_back(std::move(pattern));
  }
  return parsed;
}

Result<NamePatterns::Pattern> NamePatterns::ParseOne(const std::string& text) {
  if (text.find('*') == std::string::npos) {
    ASSIGN_OR_RETURN(const Reference name, Reference::Parse(text));
    return Pattern{.text = name.digest ? name.NameWithDigest() : name.NameWithTag()};
  }
  Pattern pattern{.kind = Kind::kBeginning, .text = text};
  if (text.size() > 1 && text.front() == '*') {
    pattern.kind = Kind::kPart;
    pattern.text.erase(0, 1);
  }
  if (pattern.text.find('*') + 1 != pattern.text.size()) {
    return Fail(Code::kInvalidArgument, "'{}': a * is at the end, or at the beginning and the end",
                Printable(text));
  }
  pattern.text.pop_back();
  return pattern;
}

bool NamePatterns::Pattern::Means(const std::string& name) const {
  switch (kind) {
    case Kind::kWhole:
      return name == text;
    case Kind::kBeginning:
      return name.starts_with(text);
    case Kind::kPart:
      return name.find(text) != std::string::npos;
  }
  return false;
}

bool NamePatterns::MeanOneOf(const std::vector<std::string>& names) const {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return std::ranges::any_of(patterns_,
                               [&](const Pattern& pattern) { return pattern.Means(name); });
  });
}

}  // namespace trivet::image
