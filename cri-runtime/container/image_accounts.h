#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "cri-runtime/container/user.h"
#include "cri-runtime/image/image.h"

namespace trivet::container {

/// The accounts of the images that containers were made of lately, so that a container's record
/// need not wait for its root file system: what an image has does not change. Any thread.
class ImageAccounts {
 public:
  /// Nothing for an image of which nothing is kept.
  std::optional<Accounts> Find(const image::Image& image);

  /// Long texts are not kept.
  void Keep(const image::Image& image, const Accounts& accounts);

 private:
  std::mutex mutex_;
  std::map<std::string, Accounts> kept_;  // by the image's id and layers
};

}  // namespace trivet::container
