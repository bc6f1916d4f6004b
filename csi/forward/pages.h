#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/base/error.h"

/// Pages over the lists of all nodes. The order is that of (id, node), and a token is a place in
/// it: it holds whatever nodes come or go between two pages.
namespace trivet::csi {

struct ListPlace {
  std::string id;
  std::string node;

  auto operator<=>(const ListPlace&) const = default;
};

/// "ID/NODE"; of the list's beginning it is empty.
std::string TokenOf(const ListPlace& place);

/// `is_id` tells whether a token may start with this. Errors: kAborted for what no answer held.
Result<ListPlace> ParseToken(const std::string& token, bool (*is_id)(std::string_view));

/// How many entries to ask each node for, so that a page of `max_entries` and the start of the
/// next one are among them; 0 = all.
int32_t EntriesToAsk(int32_t max_entries);

template <class Entry>
struct PlacedEntry {
  ListPlace place;
  Entry entry;
};

/// The page that starts at `first`, out of what each node answered from first.id on; at most
/// `max_entries` (0 = all). The place of the next one comes with it, empty on the last page.
template <class Entry>
std::pair<std::vector<Entry>, ListPlace> MakePage(std::vector<PlacedEntry<Entry>> found,
                                                  const ListPlace& first, int32_t max_entries) {
  std::erase_if(found, [&](const auto& one) { return one.place < first; });
  std::ranges::sort(found, {}, &PlacedEntry<Entry>::place);
  std::pair<std::vector<Entry>, ListPlace> page;
  for (auto& one : found) {
    if (max_entries > 0 && std::ssize(page.first) == max_entries) {
      page.second = std::move(one.place);
      break;
    }
    page.first.push_back(std::move(one.entry));
  }
  return page;
}

}  // namespace trivet::csi
