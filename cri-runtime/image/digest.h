#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"

struct evp_md_ctx_st;

namespace trivet::image {

/// A SHA-256 content digest, "sha256:" and 64 lower-case hexadecimal digits.
/// Source: OCI image specification, descriptor.md "Digests".
class Digest {
 public:
  /// Errors: kInvalidArgument for another algorithm or another form: a digest
  /// names a file of ours, so nothing else may pass.
  static Result<Digest> Parse(std::string_view text);
  /// The digest of `content`.
  static Digest Of(std::string_view content);

  [[nodiscard]] std::string text() const { return "sha256:" + hex_; }
  [[nodiscard]] const std::string& hex() const { return hex_; }

  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

/// True for 1 to 64 lower-case hexadecimal digits.
bool IsHex(std::string_view text);

/// SHA-256 of a stream. Update in order, then Finish once.
class Sha256 {
 public:
  Sha256();
  void Update(const void* data, size_t size);
  [[nodiscard]] Digest Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace trivet::image
