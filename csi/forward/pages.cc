#include "csi/forward/pages.h"

#include <limits>

namespace trivet::csi {

std::string TokenOf(const ListPlace& place) {
  return place.id.empty() ? std::string() : place.id + "/" + place.node;
}

Result<ListPlace> ParseToken(const std::string& token, bool (*is_id)(std::string_view)) {
  if (token.empty()) return ListPlace();
  const size_t slash = token.find('/');
  if (slash != std::string::npos && is_id(std::string_view(token).substr(0, slash))) {
    return ListPlace{token.substr(0, slash), token.substr(slash + 1)};
  }
  return Fail(Code::kAborted, "starting_token: not one of ours");
}

// One more for the place of the next page, and one for the first id itself: a node before the
// first place may have it, too.
int32_t EntriesToAsk(int32_t max_entries) {
  constexpr int32_t kMore = 2;
  if (max_entries == 0) return 0;
  return std::min(max_entries, std::numeric_limits<int32_t>::max() - kMore) + kMore;
}

}  // namespace trivet::csi
