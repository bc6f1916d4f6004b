#include "cri-runtime/cni/pod_cidrs.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "common/linux/file.h"

namespace trivet::network {
namespace {

constexpr int kBitsPerByte = 8;

std::unexpected<Error> NoCidr(std::string_view text) {
  return Fail(Code::kInvalidArgument, "pod_cidr: unexpected \"{}\"", text.substr(0, 64));
}

bool HasBitsAfter(const std::array<unsigned char, sizeof(in6_addr)>& address, int bits, int size) {
  for (int bit = bits; bit < size * kBitsPerByte; ++bit) {
    const int byte = address[static_cast<size_t>(bit / kBitsPerByte)];
    if ((byte >> (kBitsPerByte - 1 - bit % kBitsPerByte) & 1) != 0) return true;
  }
  return false;
}

Result<> CheckCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return NoCidr(text);
  const std::string address(text.substr(0, slash));
  const std::string_view length = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const int size = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  const bool sound = error == std::errc() && end == length.data() + length.size() && bits >= 0 &&
                     bits <= size * kBitsPerByte &&
                     ::inet_pton(family, address.c_str(), binary.data()) == 1;
  if (!sound || HasBitsAfter(binary, bits, size)) return NoCidr(text);
  return {};
}

}  // namespace

Result<std::vector<std::string>> ParsePodCidrs(std::string_view list) {
  std::vector<std::string> cidrs;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view cidr = list.substr(0, comma);
    RETURN_IF_ERROR(CheckCidr(cidr));
    cidrs.emplace_back(cidr);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return cidrs;
}

Result<std::unique_ptr<PodCidrs>> PodCidrs::Open(std::filesystem::path file) {
  std::unique_ptr<PodCidrs> opened(new PodCidrs(std::move(file)));
  const auto text = ReadFile(opened->file_);
  if (!text && text.error().code() == Code::kNotFound) return opened;
  if (!text) return std::unexpected(text.error());
  ASSIGN_OR_RETURN(opened->cidrs_,
                   ParsePodCidrs(std::string_view(*text).substr(0, text->find('\n'))),
                   opened->file_.native());
  return opened;
}

Result<> PodCidrs::Set(std::string_view list) {
  ASSIGN_OR_RETURN(std::vector<std::string> cidrs, ParsePodCidrs(list));
  const std::scoped_lock lock(mutex_);
  if (cidrs.empty() || cidrs == cidrs_) return {};
  RETURN_IF_ERROR(WriteFileAtomically(file_, std::string(list) + "\n"), "keep pod_cidr");
  cidrs_ = std::move(cidrs);
  return {};
}

json::Value PodCidrs::CapabilityArgs() const {
  const std::scoped_lock lock(mutex_);
  json::Value args = json::Value::object();
  for (const std::string& cidr : cidrs_) {
    args["ipRanges"].push_back(json::Value::array({json::Value{{"subnet", cidr}}}));
  }
  return args;
}

}  // namespace trivet::network
