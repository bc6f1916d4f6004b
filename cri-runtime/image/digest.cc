#include "cri-runtime/image/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

namespace trivet::image {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kHexDigits = 64;

// libcrypto fails here only when it cannot allocate or was built without SHA-256.
void Require(bool done) {
  if (!done) throw std::bad_alloc();
}

}  // namespace

bool IsHex(std::string_view text) {
  return !text.empty() && text.size() <= kHexDigits && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

Result<Digest> Digest::Parse(std::string_view text) {
  const std::string_view hex = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : "";
  if (hex.size() != kHexDigits || !IsHex(hex)) {
    constexpr size_t kShown = 100;
    return Fail(Code::kInvalidArgument, "digest '{}': want sha256: and 64 hexadecimal digits",
                text.substr(0, kShown));
  }
  return Digest(std::string(hex));
}

Digest Digest::Of(std::string_view content) {
  Sha256 hash;
  hash.Update(content.data(), content.size());
  return hash.Finish();
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  Require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::Update(const void* data, size_t size) {
  Require(EVP_DigestUpdate(context_.get(), data, size) == 1);
}

Digest Sha256::Finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(context_.get(), bytes, &size) == 1);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return Digest(std::move(hex));
}

}  // namespace trivet::image
