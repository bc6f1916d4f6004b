#include "cri-runtime/image/reference.h"

#include <algorithm>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kLegacyDefaultHost = "index.docker.io";
constexpr size_t kMaxRepositoryBytes = 255;
constexpr size_t kMaxTagBytes = 128;

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool IsAlnum(char c) {
  return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z');
}

std::unexpected<Error> Invalid(std::string_view text, std::string_view reason) {
  constexpr size_t kShown = 300;
  return Fail(Code::kInvalidArgument, "image name '{}': {}", text.substr(0, kShown), reason);
}

// path-component: alphanumerics, between them one of . _ __ or any number of -
bool IsPathComponent(std::string_view text) {
  size_t i = 0;
  while (true) {
    const size_t word = i;
    while (i < text.size() && IsLowerOrDigit(text[i])) ++i;
    if (i == word) return false;
    if (i == text.size()) return true;
    if (text[i] == '-') {
      while (i < text.size() && text[i] == '-') ++i;
    } else if (text.substr(i, 2) == "__") {
      i += 2;
    } else if (text[i] == '.' || text[i] == '_') {
      ++i;
    } else {
      return false;
    }
  }
}

bool IsPath(std::string_view path) {
  while (true) {
    const size_t slash = path.find('/');
    if (!IsPathComponent(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool IsHostLabel(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return IsAlnum(c) || c == '-'; });
}

bool IsHostName(std::string_view name) {
  if (name.starts_with('[') && name.ends_with(']')) {  // an IPv6 address
    const std::string_view address = name.substr(1, name.size() - 2);
    return !address.empty() && std::ranges::all_of(address, [](char c) {
      return IsDigit(c) || c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
  }
  while (true) {
    const size_t dot = name.find('.');
    if (!IsHostLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool IsHost(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.ends_with(']')) return IsHostName(host);
  const std::string_view port = host.substr(colon + 1);
  return !port.empty() && std::ranges::all_of(port, IsDigit) && IsHostName(host.substr(0, colon));
}

bool IsTag(std::string_view tag) {
  const auto is_word = [](char c) { return IsAlnum(c) || c == '_'; };
  return !tag.empty() && tag.size() <= kMaxTagBytes && is_word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// The first part of a name is a host when it cannot be anything else.
bool LooksLikeHost(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos ||
         std::ranges::any_of(first, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<std::string> FullRepository(std::string_view name, std::string_view text) {
  const size_t slash = name.find('/');
  std::string_view host = kDefaultHost;
  std::string_view path = name;
  if (slash != std::string_view::npos && LooksLikeHost(name.substr(0, slash))) {
    host = name.substr(0, slash);
    path = name.substr(slash + 1);
  }
  if (host == kLegacyDefaultHost) host = kDefaultHost;
  if (!IsHost(host)) return Invalid(text, "the host is malformed");
  if (!IsPath(path)) return Invalid(text, "want lower-case words separated by / . _ or -");
  const bool official = host == kDefaultHost && path.find('/') == std::string_view::npos;
  std::string repository = fmt::format("{}/{}{}", host, official ? "library/" : "", path);
  if (repository.size() > kMaxRepositoryBytes) return Invalid(text, "longer than 255 bytes");
  return repository;
}

}  // namespace

Result<Reference> Reference::Parse(std::string_view text) {
  Reference reference;
  std::string_view name = text;
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    ASSIGN_OR_RETURN(reference.digest, Digest::Parse(name.substr(at + 1)), "image name");
    name = name.substr(0, at);
  }
  const size_t colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    reference.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
    if (!IsTag(reference.tag)) return Invalid(text, "the tag is malformed");
  }
  if (!reference.digest && reference.tag.empty()) {
    if (name.size() == 64 && IsHex(name)) return Invalid(text, "64 digits are an image id");
    reference.tag = "latest";
  }
  ASSIGN_OR_RETURN(reference.repository, FullRepository(name, text));
  return reference;
}

std::string Reference::NameWithTag() const {
  return tag.empty() ? "" : repository + ":" + tag;
}

std::string Reference::NameWithDigest() const {
  return digest ? repository + "@" + digest->text() : "";
}

}  // namespace trivet::image
