#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/error.h"
#include "netpolicy/plan/world.h"
#include "proto/trivet/policy.h"

namespace trivet::netpolicy {

/// The pod interfaces of this node, as CNI ADD told them, recorded on disk for the next agent.
/// paths.h draws where.
class Attachments {
 public:
  /// Reads this boot's records and removes those of earlier ones. Errors: kInvalidArgument naming
  /// a record that is not readable or of a newer version: without it a pod would be unknown.
  static Result<Attachments> Open(const std::filesystem::path& state_directory);

  /// This boot's records as they are now, changing nothing: for another process than the agent.
  static Result<Attachments> Read(const std::filesystem::path& state_directory);
  /// Removes the records of every boot; the lock stays.
  static Result<> RemoveAll(const std::filesystem::path& state_directory);

  /// The newest owner of an address counts (World). Errors: kInvalidArgument for names or addresses
  /// that cannot be an attachment's.
  Result<> Save(const policy::Request& request);
  /// Unknown is success.
  Result<> Remove(const policy::Attachment& attachment);

  [[nodiscard]] const LocalAddresses* Find(const policy::Attachment& attachment) const;
  /// In the order in which they were saved.
  [[nodiscard]] std::vector<LocalAddresses> Addresses() const;
  [[nodiscard]] std::vector<policy::Attachment> OfNetwork(const std::string& network) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // network, container, ifname
  explicit Attachments(std::filesystem::path directory) : directory_(std::move(directory)) {}
  [[nodiscard]] std::filesystem::path FileOf(const Key& key) const;
  Result<> LoadAll();
  Result<> Load(const std::string& file_name);

  struct Record {
    uint64_t sequence;  // of the ADD on this node since its boot
    LocalAddresses local;
  };
  std::filesystem::path directory_;
  std::map<Key, Record> records_;
  uint64_t next_sequence_ = 1;
};

}  // namespace trivet::netpolicy
