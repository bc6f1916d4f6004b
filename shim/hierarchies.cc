#include "shim/hierarchies.h"

#include <algorithm>
#include <filesystem>

namespace trivet::shim {
namespace {

// Of "ROOT/CONTROLLER/GROUP/tasks"; both end at a slash.
struct Ends {
  size_t root = 0;
  size_t controller = 0;
};

size_t EndOfRoot(const std::vector<std::string>& files) {
  const std::string& first = files.front();
  size_t differs = first.size();
  for (const std::string& file : files) {
    const auto at = std::ranges::mismatch(first, file).in1 - first.begin();
    differs = std::min(differs, static_cast<size_t>(at));
  }
  return differs == 0 ? std::string::npos : first.rfind('/', differs - 1);
}

// Source: Documentation/admin-guide/cgroup-v1/cgroups.rst: release_agent is in the root only.
size_t EndOfRootOnNode(const std::string& file) {
  std::filesystem::path hierarchy = std::filesystem::path(file).parent_path();
  while (hierarchy.has_relative_path() && !std::filesystem::exists(hierarchy / "release_agent")) {
    hierarchy = hierarchy.parent_path();
  }
  return hierarchy.has_relative_path() ? hierarchy.native().rfind('/') : std::string::npos;
}

Result<Ends> FindEnds(const std::vector<std::string>& files) {
  Ends ends;
  ends.root = files.size() == 1 ? EndOfRootOnNode(files.front()) : EndOfRoot(files);
  if (ends.root != std::string::npos) ends.controller = files.front().find('/', ends.root + 1);
  if (ends.root != std::string::npos && ends.controller != std::string::npos) return ends;
  return Fail(Code::kInvalidArgument, "cgroup: {} is in no hierarchy", files.front());
}

}  // namespace

std::string Hierarchies::FolderIn(const std::string& controller) const {
  return root + '/' + controller + '/' + group;
}

bool Hierarchies::Has(const std::string& controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

Result<Hierarchies> HierarchiesOf(const std::vector<std::string>& entry_files) {
  ASSIGN_OR_RETURN(const Ends first, FindEnds(entry_files));
  const std::string below = entry_files.front().substr(first.controller);  // "/pods/ID/tasks"
  Hierarchies found{.root = entry_files.front().substr(0, first.root)};
  for (const std::string& file : entry_files) {
    const size_t end = file.find('/', first.root + 1);
    if (end == std::string::npos || file.substr(end) != below) {
      return Fail(Code::kInvalidArgument, "cgroup: {} is of another group than {}", file,
                  entry_files.front());
    }
    found.controllers.push_back(file.substr(first.root + 1, end - first.root - 1));
  }
  const size_t size = below.rfind('/');
  if (size > 1) found.group = below.substr(1, size - 1);
  return found;
}

}  // namespace trivet::shim
