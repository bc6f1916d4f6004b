#pragma once

#include <filesystem>
#include <string_view>

/// What trivet-csi keeps on disk:
///
///   /var/lib/trivet/csi/             --state-dir, 0700, one process at a time
///     lock                           flock(2) of the running process
///     volumes/<id>.json              one record per volume, written before acting; <id>.deleting
///                                    while it is deleted
///     snapshots/<id>.json            one record per snapshot, likewise
///     groups/<id>.json               one record per group snapshot, likewise
///     attachments/<id>.json          where it is staged and published; void after a reboot
///     devices/<id>.json              which device of a pool of devices the volume has
///     devices/<id>.attached          that it is in use; void after a reboot
///     inline/<id>/                   where pods' own volumes are staged
///     pools/default/                 the pool when no configuration names another
///       <id>.img                     the volume's or snapshot's bytes
///
/// A pool of the configuration keeps its <id>.img files in its own folder.
namespace trivet::csi {

class Paths {
 public:
  explicit Paths(std::filesystem::path state) : state_(std::move(state)) {}

  [[nodiscard]] const std::filesystem::path& state() const { return state_; }
  [[nodiscard]] std::filesystem::path lock() const { return state_ / "lock"; }
  [[nodiscard]] std::filesystem::path volumes() const { return state_ / "volumes"; }
  [[nodiscard]] std::filesystem::path snapshots() const { return state_ / "snapshots"; }
  [[nodiscard]] std::filesystem::path groups() const { return state_ / "groups"; }
  [[nodiscard]] std::filesystem::path attachments() const { return state_ / "attachments"; }
  [[nodiscard]] std::filesystem::path devices() const { return state_ / "devices"; }
  [[nodiscard]] std::filesystem::path inline_staging() const { return state_ / "inline"; }
  [[nodiscard]] std::filesystem::path default_pool() const { return state_ / "pools" / "default"; }

 private:
  std::filesystem::path state_;
};

}  // namespace trivet::csi
