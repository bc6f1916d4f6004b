#include "cri-runtime/image/select.h"

#include <algorithm>
#include <optional>

#include "common/linux/file.h"
#include "cri-runtime/image/reference.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr int kMaxIndexDepth = 4;
constexpr size_t kMaxOffersShown = 10;

// What the layout has, for the message that says it has nothing that fits.
class Offers {
 public:
  void Add(std::string text) {
    if (texts_.size() < kMaxOffersShown) texts_.push_back(Printable(text));
  }
  [[nodiscard]] std::string text() const {
    return texts_.empty() ? "nothing" : fmt::format("{}", fmt::join(texts_, ", "));
  }

 private:
  std::vector<std::string> texts_;
};

bool IsCalled(const std::string& name, const std::string& wanted) {
  if (wanted.empty() || name == wanted) return true;
  const auto a = Reference::Parse(name);
  const auto b = Reference::Parse(wanted);
  return a && b && !a->tag.empty() && a->NameWithTag() == b->NameWithTag();
}

struct Search {
  const Source& source;
  const Wanted& wanted;
  uint64_t json_limit_bytes;
  Offers& offers;
};

// The manifest that `descriptor` means on this machine, if it has one.
Result<std::optional<Descriptor>> Resolve(const Search& search, const Descriptor& descriptor,
                                          int depth) {
  if (descriptor.media == Media::kManifest) {
    if (!descriptor.platform || *descriptor.platform == search.wanted.platform) return descriptor;
    search.offers.Add(descriptor.platform->text());
    return std::nullopt;
  }
  if (descriptor.media != Media::kIndex) {  // the specification asks to pass over these
    search.offers.Add("media type " + descriptor.media_type);
    return std::nullopt;
  }
  const std::string name = "index " + descriptor.digest.text();
  if (depth == kMaxIndexDepth) {
    return Fail(Code::kResourceExhausted, "{}: indexes nested deeper than {}", name, depth);
  }
  ASSIGN_OR_RETURN(const std::string text,
                   search.source.ReadBlob(descriptor, search.json_limit_bytes));
  ASSIGN_OR_RETURN(const std::vector<Descriptor> inner, ParseIndex(text), name);
  for (const Descriptor& one : inner) {
    ASSIGN_OR_RETURN(std::optional<Descriptor> found, Resolve(search, one, depth + 1));
    if (found) return found;
  }
  return std::nullopt;
}

Result<std::vector<Descriptor>> ReadIndex(const Source& source, uint64_t limit_bytes) {
  ASSIGN_OR_RETURN(const UniqueFd file, source.Open("index.json"));
  ASSIGN_OR_RETURN(const std::string text, ReadAll(file.get(), "index.json", limit_bytes));
  return ParseIndex(text);
}

}  // namespace

Result<std::vector<Selected>> SelectImages(const Source& source, const Wanted& wanted,
                                           uint64_t json_limit_bytes) {
  ASSIGN_OR_RETURN(const std::vector<Descriptor> index, ReadIndex(source, json_limit_bytes),
                   "index.json");
  Offers offers;
  const Search search{source, wanted, json_limit_bytes, offers};
  std::vector<Selected> selected;
  for (const Descriptor& top : index) {
    if (!IsCalled(top.name, wanted.name)) {
      offers.Add("name '" + top.name + "'");
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<Descriptor> manifest, Resolve(search, top, 0));
    if (manifest) selected.push_back({std::move(*manifest), top.digest, top.name});
  }
  if (!selected.empty()) return selected;
  const std::string called = wanted.name.empty() ? "" : fmt::format(" called '{}'", wanted.name);
  return Fail(Code::kNotFound, "index.json: no image{} for {}; it has {}", called,
              wanted.platform.text(), offers.text());
}

}  // namespace trivet::image
