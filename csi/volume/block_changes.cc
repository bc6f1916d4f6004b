#include "csi/volume/block_changes.h"

#include <algorithm>

namespace trivet::csi {
namespace {

void Append(std::vector<BlockRange>& ranges, uint64_t offset, uint64_t end) {
  if (offset >= end) return;
  if (!ranges.empty() && ranges.back().offset + ranges.back().bytes == offset) {
    ranges.back().bytes += end - offset;
  } else {
    ranges.push_back({.offset = offset, .bytes = end - offset});
  }
}

// Walks a file's extents in ascending order.
class ExtentWalk {
 public:
  explicit ExtentWalk(const std::vector<Extent>& extents) : extents_(extents) {}

  void MoveTo(uint64_t offset) {
    while (next_ < extents_.size() && End() <= offset) ++next_;
    at_ = offset;
  }
  // The extent here; none in a hole.
  [[nodiscard]] const Extent* Here() const {
    const bool in = next_ < extents_.size() && extents_[next_].offset <= at_;
    return in ? &extents_[next_] : nullptr;
  }
  // Where the extent or the hole ends.
  [[nodiscard]] uint64_t Boundary(uint64_t size_bytes) const {
    if (next_ == extents_.size()) return size_bytes;
    return std::min(size_bytes, Here() != nullptr ? End() : extents_[next_].offset);
  }
  [[nodiscard]] uint64_t Place() const { return Here()->place + (at_ - Here()->offset); }

 private:
  [[nodiscard]] uint64_t End() const { return extents_[next_].offset + extents_[next_].bytes; }

  const std::vector<Extent>& extents_;
  size_t next_ = 0;
  uint64_t at_ = 0;
};

bool IsSame(const ExtentWalk& base, const ExtentWalk& target) {
  if (base.Here() == nullptr || target.Here() == nullptr) return base.Here() == target.Here();
  return base.Here()->comparable && target.Here()->comparable && base.Place() == target.Place();
}

}  // namespace

std::vector<BlockRange> AllocatedBlocks(const std::vector<Extent>& extents, uint64_t size_bytes) {
  std::vector<BlockRange> ranges;
  for (const Extent& extent : extents) {
    Append(ranges, extent.offset, std::min(size_bytes, extent.offset + extent.bytes));
  }
  return ranges;
}

std::vector<BlockRange> ChangedBlocks(const std::vector<Extent>& base,
                                      const std::vector<Extent>& target, uint64_t size_bytes) {
  std::vector<BlockRange> ranges;
  ExtentWalk before(base);
  ExtentWalk after(target);
  for (uint64_t at = 0; at < size_bytes;) {
    before.MoveTo(at);
    after.MoveTo(at);
    const uint64_t end = std::min(before.Boundary(size_bytes), after.Boundary(size_bytes));
    if (!IsSame(before, after)) Append(ranges, at, end);
    at = end;
  }
  return ranges;
}

std::vector<BlockRange> From(const std::vector<BlockRange>& ranges, uint64_t offset) {
  std::vector<BlockRange> rest;
  for (const BlockRange& range : ranges) {
    Append(rest, std::max(range.offset, offset), range.offset + range.bytes);
  }
  return rest;
}

}  // namespace trivet::csi
