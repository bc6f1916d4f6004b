#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "cri-runtime/cni/network_config.h"
#include "cri-runtime/cni/plugin.h"

namespace trivet::network {

/// Who has made things for an ADD in a network namespace.
struct Preparer {
  std::string config;                   // the text of the configuration
  std::shared_ptr<const void> program;  // the plugin's file: another one may not know of it
  bool operator==(const Preparer&) const = default;
};

/// Executes the plugins of a configuration list, one after the other. Any thread.
class Network {
 public:
  explicit Network(std::vector<std::filesystem::path> plugin_directories)
      : directories_(std::move(plugin_directories)) {}

  /// ADD through the whole list; the last plugin's result. What a failed ADD made is the caller's
  /// to undo with Delete. `beside` is about the first plugin, so that where it may not begin none
  /// does. Errors: the plugin's; may_begin's.
  Result<json::Value> Add(const NetworkConfig& network, const Attachment& attachment,
                          const json::Value& capability_args, Beside beside = {}) const;

  /// Who prepares for `network`, as things are now; nobody where its first plugin is not
  /// trivet-cni.
  [[nodiscard]] std::optional<Preparer> PreparerOf(const NetworkConfig& network) const;

  /// Has the PreparerOf `network` make ahead what it can of an ADD in `attachment`'s namespace. It
  /// ends with the namespace, in which no other plugin can do an ADD now, whether this has failed
  /// or not. Errors: the plugin's.
  Result<> Prepare(const NetworkConfig& network, const Attachment& attachment,
                   const json::Value& capability_args) const;

  /// DEL through the list backwards, with ADD's result. Repeatable. Every plugin is asked, also
  /// after one has failed. Errors: the first plugin's that failed.
  Result<> Delete(const NetworkConfig& network, const Attachment& attachment,
                  const json::Value& capability_args, const json::Value& add_result) const;

  /// CHECK through the list with ADD's result; nothing where the list forbids it or is older than
  /// 0.4.0. Errors: the first plugin's that misses something.
  Result<> Check(const NetworkConfig& network, const Attachment& attachment,
                 const json::Value& capability_args, const json::Value& add_result) const;

  /// GC through the list: frees all of this network but what `valid` names; nothing where the list
  /// forbids it or is older than 1.1.0. No ADD and no DEL runs meanwhile; `valid` is asked then.
  /// Every plugin is asked. Errors: the first plugin's that failed.
  Result<> CollectGarbage(const NetworkConfig& network, const json::Value& capability_args,
                          const std::function<std::vector<Attachment>()>& valid) const;

  /// Whether CollectGarbage frees all that an attachment has left which nobody knows of: each
  /// plugin is trivet-cni, and the list allows it.
  [[nodiscard]] bool FreesTheUnknown(const NetworkConfig& network) const;

  /// VERSION: whether every plugin is there and speaks the list's version.
  /// Errors: kFailedPrecondition when one does not; the plugin's.
  Result<> CheckVersions(const NetworkConfig& network) const;

  /// STATUS: whether every plugin is ready for an ADD; nothing is asked of a list older than 1.1.0.
  /// Errors: the first plugin's that is not.
  Result<> CheckStatus(const NetworkConfig& network, const json::Value& capability_args) const;

 private:
  std::vector<std::filesystem::path> directories_;
  mutable OwnPlugins own_;
  mutable std::shared_mutex changing_;  // shared by ADD and DEL; GC has it alone
};

/// The addresses of an ADD result without their prefix lengths, in its order; those that it says
/// another interface than eth0 has, only when there are no others. Source: CNI specification,
/// section 5, of 0.1.0 ("ip4") to 1.1.0 ("ips"). Errors: kInvalidArgument for what is no address.
Result<std::vector<std::string>> AddressesOf(const json::Value& result);

}  // namespace trivet::network
