#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cni/environment.h"
#include "cni/net_conf.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// One type of plugin, about to run one command with one configuration.
/// Source: CNI spec 1.1.0, section 2.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  /// What to write to standard output. On failure nothing of the attachment is left.
  virtual Result<json::Value> Add() = 0;
  /// Repeatable; what is gone already is success.
  virtual Result<> Del() = 0;
  /// Errors: kFailedPrecondition that names what is missing or wrong.
  virtual Result<> Check() = 0;
  /// Frees what attachments hold that are not among conf.valid_attachments. Goes on after a
  /// failure and tells all of them at the end.
  virtual Result<> Gc() = 0;
  /// Errors: kUnavailable with the reason why an ADD would fail; kFailedPrecondition when
  /// attachments that are there are cut off, too.
  virtual Result<> Status() = 0;
  /// Makes what an ADD of the same attachment would make, as far as it needs neither an address nor
  /// a pod. ADD takes it; without one it ends with the network namespace, of which nobody but the
  /// caller knows yet: there is no record of it. Errors: kUnimplemented for a type with no such
  /// thing; kUnavailable when what pods share is not there.
  virtual Result<> Prepare() {
    return Fail(Code::kUnimplemented, "PREPARE: nothing of this type is made ahead");
  }
};

/// Whether there is a plugin of that type.
bool IsPluginType(std::string_view type);

/// `conf` and `environment` are borrowed. Errors: kUnimplemented for a type that is not built in,
/// and what the type's own configuration says.
Result<std::unique_ptr<Plugin>> MakePlugin(std::string_view type, const NetConf& conf,
                                           const Environment& environment);

}  // namespace trivet::cni
