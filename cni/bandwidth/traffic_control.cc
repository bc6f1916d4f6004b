#include "cni/bandwidth/traffic_control.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <limits>

#include "cni/bandwidth/traffic_filter.h"

namespace trivet::cni {
namespace {

constexpr uint32_t kRootHandle = 0x10000;        // 1:0
constexpr uint32_t kShapedClass = 0x10002;       // 1:2
constexpr uint32_t kIngressHandle = 0xffff0000;  // ffff:0
constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();

struct Qdisc {
  std::string kind;
  uint32_t handle = 0;
  TokenBucket bucket;  // of tbf
};

tcmsg MakeTcHeader(const Link& link, uint32_t handle, uint32_t parent) {
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(link.index);
  header.tcm_handle = handle;
  header.tcm_parent = parent;
  return header;
}

// With a link layer the kernel needs no rate table from us.
tc_ratespec MakeRate(const TokenBucket& bucket) {
  tc_ratespec rate{};
  rate.linklayer = TC_LINKLAYER_ETHERNET;
  rate.rate = static_cast<uint32_t>(std::min<uint64_t>(bucket.rate_bytes_per_second, kMax32));
  return rate;
}

void PutRate64(netlink::Request& options, uint16_t attribute, const TokenBucket& bucket) {
  const uint64_t rate = bucket.rate_bytes_per_second;
  if (rate > kMax32) options.Bytes(attribute, std::as_bytes(std::span(&rate, 1)));
}

Result<> AddTokenBucketFilter(netlink::RouteSocket& socket, const Link& link,
                              const TokenBucket& bucket) {
  tc_tbf_qopt parameters{};
  parameters.rate = MakeRate(bucket);
  parameters.limit = bucket.limit_bytes;
  parameters.buffer = bucket.buffer_ticks;
  netlink::Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(MakeTcHeader(link, kRootHandle, TC_H_ROOT)).String(TCA_KIND, "tbf");
  request.Nest(TCA_OPTIONS, [&](auto& options) {
    options.Bytes(TCA_TBF_PARMS, std::as_bytes(std::span(&parameters, 1)));
    PutRate64(options, TCA_TBF_RATE64, bucket);
  });
  return socket.Execute(request, fmt::format("add qdisc tbf to {}", link.name));
}

// What goes to no class passes at once: class 0 is none, and 1:0 is the qdisc itself.
Result<> AddHierarchy(netlink::RouteSocket& socket, const Link& link, bool shape_by_default) {
  constexpr uint32_t kRateToQuantum = 10;
  tc_htb_glob parameters{};
  parameters.version = 3;
  parameters.rate2quantum = kRateToQuantum;
  parameters.defcls = shape_by_default ? kShapedClass & TC_H_MIN_MASK : 0;
  netlink::Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(MakeTcHeader(link, kRootHandle, TC_H_ROOT)).String(TCA_KIND, "htb");
  request.Nest(TCA_OPTIONS, [&](auto& options) {
    options.Bytes(TCA_HTB_INIT, std::as_bytes(std::span(&parameters, 1)));
  });
  return socket.Execute(request, fmt::format("add qdisc htb to {}", link.name));
}

Result<> AddShapedClass(netlink::RouteSocket& socket, const Link& link, const TokenBucket& bucket) {
  constexpr uint32_t kQuantumBytes = 1514;  // classes do not share: one packet each
  tc_htb_opt parameters{};
  parameters.rate = parameters.ceil = MakeRate(bucket);
  parameters.buffer = parameters.cbuffer = bucket.buffer_ticks;
  parameters.quantum = kQuantumBytes;
  netlink::Request request(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(MakeTcHeader(link, kShapedClass, kRootHandle)).String(TCA_KIND, "htb");
  request.Nest(TCA_OPTIONS, [&](auto& options) {
    options.Bytes(TCA_HTB_PARMS, std::as_bytes(std::span(&parameters, 1)));
    PutRate64(options, TCA_HTB_RATE64, bucket);
    PutRate64(options, TCA_HTB_CEIL64, bucket);
  });
  return socket.Execute(request, fmt::format("add class htb to {}", link.name));
}

TokenBucket ParseTokenBucket(const netlink::Attributes& options) {
  TokenBucket bucket;
  const auto parameters = options.Find(TCA_TBF_PARMS);
  tc_tbf_qopt values{};
  if (!parameters || parameters->bytes().size() < sizeof values) return bucket;
  std::memcpy(&values, parameters->bytes().data(), sizeof values);
  bucket.rate_bytes_per_second = values.rate.rate;
  bucket.buffer_ticks = values.buffer;
  bucket.limit_bytes = values.limit;
  const auto rate64 = options.Find(TCA_TBF_RATE64);
  if (rate64 && rate64->bytes().size() == sizeof(uint64_t)) {
    std::memcpy(&bucket.rate_bytes_per_second, rate64->bytes().data(), sizeof(uint64_t));
  }
  return bucket;
}

// The one that hangs at `parent`; the default one, which has no handle, is none.
Result<std::optional<Qdisc>> ReadQdisc(netlink::RouteSocket& socket, const Link& link,
                                       uint32_t parent) {
  // Without the echo, kernels of before 6.6 tell only the listeners.
  netlink::Request request(RTM_GETQDISC, NLM_F_ECHO);
  request.Struct(MakeTcHeader(link, 0, parent));
  const auto answer = socket.Query(request, fmt::format("read qdisc of {}", link.name));
  if (!answer && answer.error().code() == Code::kNotFound) return std::nullopt;
  if (!answer) return std::unexpected(answer.error());
  const auto attributes = answer->AttributesAfter<tcmsg>();
  Qdisc qdisc{.kind = attributes.String(TCA_KIND),
              .handle = answer->Header<tcmsg>().tcm_handle,
              .bucket = ParseTokenBucket(attributes.Nest(TCA_OPTIONS))};
  if (qdisc.handle == 0) return std::nullopt;
  return qdisc;
}

Result<> DeleteQdisc(netlink::RouteSocket& socket, const Link& link, const Qdisc& qdisc,
                     uint32_t parent) {
  netlink::Request request(RTM_DELQDISC, 0);
  request.Struct(MakeTcHeader(link, qdisc.handle, parent));
  auto deleted =
      socket.Execute(request, fmt::format("delete qdisc {} of {}", qdisc.kind, link.name));
  if (!deleted && deleted.error().code() == Code::kNotFound) return {};
  return deleted;
}

}  // namespace

Result<> CheckUnshaped(netlink::RouteSocket& socket, const Link& link) {
  for (const uint32_t parent : {TC_H_ROOT, TC_H_INGRESS}) {
    ASSIGN_OR_RETURN(const auto qdisc, ReadQdisc(socket, link, parent));
    if (!qdisc) continue;
    return Fail(Code::kAlreadyExists, "link {} has a qdisc {} already", link.name, qdisc->kind);
  }
  return {};
}

Result<> AddShaper(netlink::RouteSocket& socket, const Link& link, const BandwidthLimit& limit,
                   const ShapedPeers& peers, PeerEnd peer) {
  const TokenBucket bucket = MakeTokenBucket(limit);
  if (peers.kind == ShapedPeers::Kind::kAll) return AddTokenBucketFilter(socket, link, bucket);
  const bool all_but = peers.kind == ShapedPeers::Kind::kAllButListed;
  RETURN_IF_ERROR(AddHierarchy(socket, link, all_but));
  RETURN_IF_ERROR(AddShapedClass(socket, link, bucket));
  const TrafficTarget target{.class_id = all_but ? kRootHandle : kShapedClass, .redirect_to = 0};
  return AddSubnetFilters(socket, link, kRootHandle, peers.subnets, peer, target);
}

Result<> AddRedirect(netlink::RouteSocket& socket, const Link& from, const Link& to,
                     const ShapedPeers& peers, PeerEnd peer) {
  netlink::Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(MakeTcHeader(from, kIngressHandle, TC_H_INGRESS)).String(TCA_KIND, "ingress");
  RETURN_IF_ERROR(socket.Execute(request, fmt::format("add qdisc ingress to {}", from.name)));

  const TrafficTarget redirect{.class_id = 0, .redirect_to = to.index};
  const bool only = peers.kind == ShapedPeers::Kind::kOnlyListed;
  // Of two filters the first that matches decides: one without an action lets pass.
  const TrafficTarget listed = only ? redirect : TrafficTarget{};
  RETURN_IF_ERROR(AddSubnetFilters(socket, from, kIngressHandle, peers.subnets, peer, listed));
  if (only) return {};
  return AddCatchAllFilter(socket, from, kIngressHandle, redirect);
}

Result<> DeleteShaper(netlink::RouteSocket& socket, const Link& link) {
  ASSIGN_OR_RETURN(const auto qdisc, ReadQdisc(socket, link, TC_H_ROOT));
  if (!qdisc || qdisc->handle != kRootHandle) return {};
  if (qdisc->kind != "tbf" && qdisc->kind != "htb") return {};
  return DeleteQdisc(socket, link, *qdisc, TC_H_ROOT);
}

Result<> DeleteRedirect(netlink::RouteSocket& socket, const Link& link) {
  ASSIGN_OR_RETURN(const auto qdisc, ReadQdisc(socket, link, TC_H_INGRESS));
  if (!qdisc || qdisc->kind != "ingress") return {};
  return DeleteQdisc(socket, link, *qdisc, TC_H_INGRESS);
}

Result<> CheckShaper(netlink::RouteSocket& socket, const Link& link, const BandwidthLimit& limit,
                     const ShapedPeers& peers) {
  const bool all = peers.kind == ShapedPeers::Kind::kAll;
  ASSIGN_OR_RETURN(const auto qdisc, ReadQdisc(socket, link, TC_H_ROOT));
  if (!qdisc || qdisc->handle != kRootHandle || qdisc->kind != (all ? "tbf" : "htb")) {
    return Fail(Code::kFailedPrecondition, "link {} has no limit of its bandwidth", link.name);
  }
  const TokenBucket wanted = MakeTokenBucket(limit);
  if (!all || qdisc->bucket == wanted) return {};
  return Fail(Code::kFailedPrecondition, "link {} is limited to {} bytes/s, not {}", link.name,
              qdisc->bucket.rate_bytes_per_second, wanted.rate_bytes_per_second);
}

Result<> CheckRedirect(netlink::RouteSocket& socket, const Link& from, const Link& to) {
  ASSIGN_OR_RETURN(const bool there, HasRedirect(socket, from, kIngressHandle, to.index));
  if (there) return {};
  return Fail(Code::kFailedPrecondition, "link {} does not redirect to {}", from.name, to.name);
}

}  // namespace trivet::cni
