#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/image.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/location.h"

namespace trivet::image {

/// A container that uses an image.
struct Pin {
  std::string owner;     // the container's id
  std::string image_id;  // "sha256:…"
};

struct StoreOptions {
  std::filesystem::path root;  // drawn in paths.h
  Limits limits;
  std::vector<Pin> pins;  // the containers that exist at start: their layers are kept
};

/// What the store's file system is used for.
struct FsUsage {
  std::filesystem::path mountpoint;  // the store's root
  uint64_t used_bytes = 0;
  uint64_t used_inodes = 0;
};

/// The images of this node. Any thread may call anything; List and Find never
/// wait for an import.
///
/// Crash-only: killed at any instruction, the next Open finds every image that
/// was complete and nothing else.
class Store {
 public:
  /// Takes the folder (made when absent), removes what a crash left, forgets
  /// images whose parts are gone; what is left of one that is pinned stays on the disk.
  /// Errors: kAborted when another process has it open; kFailedPrecondition for
  /// a record of a newer version.
  static Result<std::unique_ptr<Store>> Open(StoreOptions options);
  ~Store();

  /// Imports the images at `location`, and returns them in the order of its index. Names they bring
  /// are taken from images that had them. All or nothing per image; repeatable; concurrent
  /// imports unpack a layer once.
  /// Errors: kNotFound, kInvalidArgument (what is wrong and in which file or
  /// entry), kDataLoss (digest or size), kResourceExhausted (a limit).
  Result<std::vector<Image>> Import(const Location& location);

  /// Sorted by id.
  [[nodiscard]] std::vector<Image> List() const;

  /// By id ("sha256:…", or its hexadecimal digits, or their unique beginning),
  /// name[:tag] or name@digest. Nothing when there is none.
  [[nodiscard]] std::optional<Image> Find(std::string_view reference) const;

  /// Forgets the image that `reference` finds, with all its names; absent is
  /// success. Layers go as soon as no image, import and pin needs them.
  Result<> Remove(std::string_view reference);

  /// Finds an image and keeps its layers until Unpin(owner), even when it is
  /// removed. Pinning again with the same owner moves the pin.
  /// Errors: kNotFound.
  Result<Image> PinFor(std::string_view reference, const std::string& owner);
  /// An owner without a pin is success.
  Result<> Unpin(const std::string& owner);
  /// The image that `owner` holds, also when it is removed from the list.
  [[nodiscard]] std::optional<Image> PinnedBy(const std::string& owner) const;

  [[nodiscard]] FsUsage Usage() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trivet::image
