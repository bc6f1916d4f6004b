#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace trivet::testing {

/// What a program may leave behind on a node.
struct LeakScope {
  std::vector<std::filesystem::path> folders;  // their content counts
  std::set<std::string> ignored;               // names of entries below them that may stay
  std::string cgroup;                          // groups below this one, in all hierarchies
  std::string process_mark;                    // processes with this in their command line
  std::filesystem::path cgroup_root = "/sys/fs/cgroup";
};

/// Everything in the scope there is now, sorted, one line each: mounts of this mount namespace,
/// network interfaces of this network namespace, control groups, processes and what they hold open
/// (files, folders, pidfds and namespaces, among them networks that nothing else shows), files. Not
/// the one shim that a trivet-cri has waiting for the next pod, with that pod's network and the
/// link into it.
std::vector<std::string> FindThings(const LeakScope& scope);

/// What is there and was not in `before`. What is on its way out gets some seconds. A test says
/// EXPECT_THAT(FindLeaks(scope, before), IsEmpty()).
std::vector<std::string> FindLeaks(const LeakScope& scope, const std::vector<std::string>& before);

}  // namespace trivet::testing
