#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

/// Names of systemd's units. Source: man 5 systemd.slice, systemd.unit.
namespace trivet::systemd {

/// Where the groups of a slice are: "/a.slice/a-b.slice" for "a-b.slice", "" for "-.slice".
/// Errors: kInvalidArgument for what is no slice's name.
Result<std::string> ExpandSlice(std::string_view slice);

/// The group of a cgroup_parent that is a slice, by its name ("a-b.slice") or by its whole path
/// ("/a.slice/a-b.slice"), as the kubelet says it.
/// Errors: kInvalidArgument for what is none, and for a path that is not that slice's.
Result<std::string> GroupOfSlice(std::string_view parent);

/// The last part of a group: a unit's name.
std::string UnitOf(const std::string& group);
bool IsSlice(std::string_view unit);
bool IsScope(std::string_view unit);

}  // namespace trivet::systemd
