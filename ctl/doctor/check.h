#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/error.h"

/// `trivetctl doctor`: what this node can do for pods, found out by trying it where nothing is left
/// behind, and by reading what the kernel says about itself otherwise.
namespace trivet::ctl::doctor {

/// Where the node is looked at. Everything that is read lies below these folders.
struct Host {
  std::filesystem::path root = "/";  // of /proc, /sys, /lib/modules and programs
  std::filesystem::path state = "/var/lib/trivet";
  std::filesystem::path run = "/run/trivet";

  [[nodiscard]] std::filesystem::path Proc(const std::string& name) const {
    return root / "proc" / name;
  }
  [[nodiscard]] std::filesystem::path Sys(const std::string& name) const {
    return root / "sys" / name;
  }
};

enum class State {
  kOk,
  kLimited,  // works, with less than it could be
  kMissing,
  kUnknown,  // could not be tried, e.g. without root
};

/// Without a required thing no pod runs; an optional one is needed by some pods only.
enum class Need { kRequired, kOptional };

struct Answer {
  State state = State::kOk;
  std::string detail;
};

/// One row of the tables that the *_checks.cc files are.
struct Check {
  std::string area;
  std::string what;
  Need need = Need::kRequired;
  std::string needed_for;
  std::string fix;
  /// Leaves nothing on the node. Errors: kPermissionDenied when the caller may not try it; any
  /// other says that the node cannot.
  std::function<Result<Answer>(const Host&)> probe;
};

struct Finding {
  std::string area;
  std::string what;
  Need need = Need::kRequired;
  std::string needed_for;
  std::string fix;
  Answer answer;

  /// Something that every pod needs, and that is not known to be there.
  [[nodiscard]] bool IsFatal() const {
    return need == Need::kRequired &&
           (answer.state == State::kMissing || answer.state == State::kUnknown);
  }
};

/// Makes every check, in order; one that fails does not stop the others.
std::vector<Finding> Examine(const std::vector<Check>& checks, const Host& host);

/// Every check there is, in the order in which people read them.
std::vector<Check> AllChecks();

std::vector<Check> KernelChecks();
std::vector<Check> NamespaceChecks();
std::vector<Check> CgroupChecks();
std::vector<Check> NetworkChecks();
std::vector<Check> FileSystemChecks();
std::vector<Check> SecurityChecks();
std::vector<Check> SysctlChecks();
std::vector<Check> CheckpointChecks();

}  // namespace trivet::ctl::doctor
