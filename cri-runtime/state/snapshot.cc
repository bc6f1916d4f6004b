#include "cri-runtime/state/snapshot.h"

namespace trivet::state {
namespace {

// The entry whose key begins with `id`, when it is the only one.
template <class T>
std::shared_ptr<const T> FindByPrefix(const ById<T>& entries, std::string_view id) {
  if (id.empty()) return nullptr;
  const auto first = entries.lower_bound(id);
  if (first == entries.end() || !first->first.starts_with(id)) return nullptr;
  const auto second = std::next(first);
  if (second != entries.end() && second->first.starts_with(id)) return nullptr;
  return first->second;
}

}  // namespace

std::shared_ptr<const Sandbox> Snapshot::FindSandbox(std::string_view id) const {
  const auto found = FindByPrefix(sandboxes, id);
  return found == nullptr || found->state.phase == sandbox::Phase::kCreating ? nullptr : found;
}

std::shared_ptr<const Container> Snapshot::FindContainer(std::string_view id) const {
  const auto found = FindByPrefix(containers, id);
  return found == nullptr || found->state.phase == container::Phase::kCreating ? nullptr : found;
}

std::vector<std::shared_ptr<const Container>> Snapshot::ContainersOf(
    std::string_view sandbox_id) const {
  std::vector<std::shared_ptr<const Container>> found;
  for (const auto& [id, container] : containers) {
    if (container->record->sandbox_id == sandbox_id) found.push_back(container);
  }
  return found;
}

}  // namespace trivet::state
