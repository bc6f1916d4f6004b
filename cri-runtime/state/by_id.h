#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trivet::state {

/// Records by their id, in its order: a map that a change can copy with one allocation, because the
/// keys are the records' own. `T` has a `record` with an `id`.
template <class T>
class ById {
 public:
  using Item = std::shared_ptr<const T>;

  /// As a map's, of references: they last as long as the map is neither changed nor gone.
  struct Entry {
    const std::string& first;
    const Item& second;
  };

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Entry;

    Iterator() = default;
    explicit Iterator(std::vector<Item>::const_iterator at) : at_(at) {}
    Entry operator*() const { return {(*at_)->record->id, *at_}; }
    auto operator->() const {
      struct Arrow {
        Entry entry;
        const Entry* operator->() const { return &entry; }
      };
      return Arrow{**this};
    }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    std::vector<Item>::const_iterator at_;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(items_.begin()); }
  [[nodiscard]] Iterator end() const { return Iterator(items_.end()); }
  [[nodiscard]] size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }

  /// The first whose id is `id` or comes after it.
  [[nodiscard]] Iterator lower_bound(std::string_view id) const { return Iterator(Place(id)); }
  [[nodiscard]] Iterator find(std::string_view id) const {
    const auto at = Place(id);
    return at != items_.end() && (*at)->record->id == id ? Iterator(at) : end();
  }
  [[nodiscard]] bool contains(std::string_view id) const { return find(id) != end(); }

  /// Adds it, or replaces the one of its id.
  void Set(Item item) {
    const auto at = Place(item->record->id);
    if (at != items_.end() && (*at)->record->id == item->record->id) {
      items_[static_cast<size_t>(at - items_.begin())] = std::move(item);
    } else {
      items_.insert(at, std::move(item));
    }
  }
  /// Absent is success.
  void Erase(std::string_view id) {
    const auto at = Place(id);
    if (at != items_.end() && (*at)->record->id == id) items_.erase(at);
  }

 private:
  [[nodiscard]] std::vector<Item>::const_iterator Place(std::string_view id) const {
    return std::ranges::lower_bound(
        items_, id, {}, [](const Item& item) -> std::string_view { return item->record->id; });
  }

  std::vector<Item> items_;
};

}  // namespace trivet::state
