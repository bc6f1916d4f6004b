#include "cri-runtime/checkpoint/pod.h"

#include <map>
#include <memory>

#include "common/linux/file.h"
#include "cri-runtime/checkpoint/metadata.h"
#include "cri-runtime/state/fields.h"

namespace trivet::checkpoint {
namespace {

using ContainerList = std::vector<std::shared_ptr<const state::Container>>;

Result<std::shared_ptr<const state::Sandbox>> FindReady(const state::Snapshot& snapshot,
                                                        const std::string& id) {
  auto pod = snapshot.FindSandbox(id);
  if (pod == nullptr) return Fail(Code::kNotFound, "sandbox {} does not exist", id);
  if (pod->state.phase == sandbox::Phase::kReady) return pod;
  return Fail(Code::kFailedPrecondition, "sandbox {} is not ready", id);
}

Result<ContainerList> FindContainers(const state::Snapshot& snapshot, const std::string& sandbox_id,
                                     const std::vector<std::string>& ids) {
  if (ids.empty()) return Fail(Code::kInvalidArgument, "container_ids: missing");
  std::map<std::string, std::shared_ptr<const state::Container>> found;
  for (const std::string& id : ids) {
    auto container = snapshot.FindContainer(id);
    if (container == nullptr) return Fail(Code::kNotFound, "container {} does not exist", id);
    if (container->record->sandbox_id != sandbox_id) {
      return Fail(Code::kInvalidArgument, "container_ids: {} is of another sandbox", id);
    }
    if (!found.emplace(container->record->id, container).second) {
      return Fail(Code::kInvalidArgument, "container_ids: {} is there twice", id);
    }
  }
  ContainerList containers;
  for (auto& [id, container] : found) containers.push_back(std::move(container));
  return containers;
}

Result<> CheckEmpty(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const auto names, ListDirectory(folder), "output_path");
  if (names.empty()) return {};
  return Fail(Code::kInvalidArgument, "output_path: {} is not empty", folder.native());
}

void Empty(const std::filesystem::path& folder) {
  const auto names = ListDirectory(folder);
  if (!names) return;
  for (const std::string& name : *names) static_cast<void>(RemoveTree(folder / name));
}

Result<> WriteFiles(container::Containers& containers, const sandbox::Record& pod,
                    const ContainerList& saved, const PodTarget& target, Deadline deadline) {
  std::map<std::string, std::filesystem::path> archives;
  for (const auto& container : saved) {
    const std::string& id = container->record->id;
    archives[id] = target.folder / (id + ".tar");
  }
  RETURN_IF_ERROR(containers.Checkpoint(archives, deadline));
  RETURN_IF_ERROR(WriteFileAtomically(target.folder / "pod.options", PodOptions(saved)));
  return WriteFileAtomically(target.folder / "pod.dump", state::Encode(pod));
}

}  // namespace

Result<> SavePod(cri::Node& node, container::Containers& containers, const PodTarget& target,
                 Deadline deadline) {
  const auto snapshot = node.store.Get();
  ASSIGN_OR_RETURN(const auto pod, FindReady(*snapshot, target.sandbox_id));
  ASSIGN_OR_RETURN(const auto saved,
                   FindContainers(*snapshot, pod->record->id, target.container_ids));
  RETURN_IF_ERROR(CheckInstalled(node.config->criu));
  RETURN_IF_ERROR(CheckEmpty(target.folder));
  auto written = WriteFiles(containers, *pod->record, saved, target, deadline);
  if (!written) Empty(target.folder);
  return written;
}

}  // namespace trivet::checkpoint
