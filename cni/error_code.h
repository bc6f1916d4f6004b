#pragma once

#include <string>

#include "cni/environment.h"
#include "cni/spec_version.h"
#include "common/base/error.h"

namespace trivet::cni {

/// What a runtime may do about a failure. Source: CNI spec 1.1.0, section 5 "Error"; from 100 on
/// they are ours.
enum class ErrorCode : int {
  kIncompatibleVersion = 1,
  kUnsupportedField = 2,
  kInvalidEnvironment = 4,
  kIo = 5,
  kDecode = 6,
  kInvalidConfig = 7,
  kInvalidNetns = 8,
  kTryAgainLater = 11,
  kNotAvailable = 50,         // STATUS: an ADD would fail
  kNotAvailableLimited = 51,  // STATUS: and attachments that are there are cut off
  kKernel = 100,              // the kernel or the disk refused a step
  kAlreadyAttached = 101,     // ADD twice without DEL, or a name or address that is taken
  kCheckFailed = 102,         // CHECK found a difference
  kNotAllowed = 103,          // the node's administrator does not allow it
  kInternal = 999,
};

/// The code of a failure that a command met, by what a runtime can do about it.
ErrorCode ErrorCodeOf(Command command, const Error& error);

/// The error object for standard output.
std::string FormatError(SpecVersion version, ErrorCode code, const std::string& message);

}  // namespace trivet::cni
