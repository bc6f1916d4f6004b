#include "cri-runtime/container/image_accounts.h"

namespace trivet::container {
namespace {

constexpr size_t kMostKept = 64;
constexpr size_t kMostBytes = size_t{16} << 10;  // of one image

std::string KeyOf(const image::Image& image) {
  std::string key = image.id;
  for (const auto& layer : image.layer_directories) key += '\n' + layer.native();
  return key;
}

}  // namespace

std::optional<Accounts> ImageAccounts::Find(const image::Image& image) {
  const std::scoped_lock lock(mutex_);
  const auto found = kept_.find(KeyOf(image));
  return found == kept_.end() ? std::nullopt : std::optional(found->second);
}

void ImageAccounts::Keep(const image::Image& image, const Accounts& accounts) {
  if (accounts.passwd.size() + accounts.group.size() > kMostBytes) return;
  const std::scoped_lock lock(mutex_);
  if (kept_.size() >= kMostKept) kept_.clear();
  kept_.insert_or_assign(KeyOf(image), accounts);
}

}  // namespace trivet::container
