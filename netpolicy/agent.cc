#include "netpolicy/agent.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <set>

#include "common/base/stopwatch.h"

namespace trivet::netpolicy {
namespace {

std::string Describe(const policy::Request& request) {
  return fmt::format("network={} container={} ifname={} pod={}/{} addresses={}",
                     request.attachment.network, request.attachment.container_id,
                     request.attachment.ifname, request.pod_namespace, request.pod_name,
                     fmt::join(request.addresses, ","));
}

std::string_view NameOf(policy::Verb verb) {
  switch (verb) {
    case policy::Verb::kAdd:
      return "ADD";
    case policy::Verb::kDelete:
      return "DELETE";
    case policy::Verb::kGc:
      return "GC";
    case policy::Verb::kStatus:
      return "STATUS";
    case policy::Verb::kCheck:
      return "CHECK";
  }
  return "unknown";
}

}  // namespace

Agent::Agent(Source& source, Firewall& firewall, Attachments& attachments,
             std::vector<Range> node_ranges)
    : source_(source),
      firewall_(firewall),
      attachments_(attachments),
      node_ranges_(std::move(node_ranges)) {}

Result<> Agent::Start() {
  RETURN_IF_ERROR(Refresh());
  if (!source_.complete()) {
    spdlog::warn("waiting: a manifest was never readable, the kernel's rules stay as they are");
  }
  return Enforce();
}

Result<> Agent::Sync() {
  RETURN_IF_ERROR(Refresh());
  return Enforce();
}

// The manifests as well: where they are may be another folder now, which is no event.
Result<> Agent::Verify() {
  auto synced = Sync();
  if (!installed_) return synced;
  if (auto verified = firewall_.Verify(actual_); !verified) {
    RETURN_IF_ERROR(Restore(verified.error().message()));
  }
  return synced;
}

Result<> Agent::Restore(std::string_view reason) {
  spdlog::warn("replacing the whole table: {}", reason);
  installed_ = false;
  return Enforce();
}

bool Agent::settled() const {
  return refreshed_ && (installed_ || !source_.complete());
}

// While a manifest was never readable a policy may be missing: what is in the kernel stays.
Result<> Agent::Enforce() {
  if (!source_.complete()) return {};
  return Reconcile();
}

Result<> Agent::Refresh() {
  auto refreshed = source_.Refresh();
  LogComplaints();
  refreshed_ = refreshed.has_value();
  if (!refreshed) return std::unexpected(std::move(refreshed).error());
  changed_ = changed_ || *refreshed;
  return {};
}

// When they change, not each time.
void Agent::LogComplaints() {
  auto complaints = source_.complaints();
  if (complaints == complaints_) return;
  for (const std::string& line : complaints) spdlog::error("manifest not in force: {}", line);
  if (complaints.empty()) spdlog::info("all manifests are in force");
  complaints_ = std::move(complaints);
}

// The kernel is asked when a change fails or CHECK looks, not before each change: that would cost
// time for every pod of the node. A table that somebody else changed is put in place as a whole.
Result<> Agent::Reconcile() {
  if (installed_ && !changed_) return {};
  Ruleset desired = Compile({source_.cluster(), attachments_.Addresses(), node_ranges_});
  if (installed_) {
    const Plan plan = MakePlan(desired, actual_);
    if (auto applied = plan.empty() ? Result<>() : firewall_.Apply(plan, desired); !applied) {
      spdlog::warn("replacing the whole table: {}", applied.error().message());
      installed_ = false;
    }
  }
  if (!installed_) RETURN_IF_ERROR(firewall_.Replace(desired));
  installed_ = true;
  changed_ = false;
  actual_ = std::move(desired);
  return {};
}

policy::Answer Agent::Handle(const policy::Request& request) {
  Stopwatch watch;
  const Result<> result = Dispatch(request);
  if (result) {
    if (request.verb != policy::Verb::kStatus) {
      spdlog::info("{} {} ms={:.1f}", NameOf(request.verb), Describe(request), watch.Lap());
    }
    return {};
  }
  spdlog::error("{} {} code={} error=\"{}\"", NameOf(request.verb), Describe(request),
                static_cast<int>(result.error().code()), result.error().message());
  return {.code = static_cast<int32_t>(result.error().code()), .message = result.error().message()};
}

Result<> Agent::Dispatch(const policy::Request& request) {
  if (request.version != policy::kVersion) {
    return Fail(Code::kUnimplemented, "protocol version {} is not {}", request.version,
                policy::kVersion);
  }
  switch (request.verb) {
    case policy::Verb::kAdd:
      return Add(request);
    case policy::Verb::kDelete:
      return Delete(request.attachment);
    case policy::Verb::kGc:
      return CollectGarbage(request);
    case policy::Verb::kStatus:
      return Status();
    case policy::Verb::kCheck:
      return Check(request);
  }
  return Fail(Code::kUnimplemented, "verb {}", static_cast<int>(request.verb));
}

Result<> Agent::Add(const policy::Request& request) {
  RETURN_IF_ERROR(Refresh(), "manifests");
  if (!source_.complete()) {
    return Fail(Code::kUnavailable, "a manifest was never readable: {}",
                fmt::join(source_.complaints(), "; "));
  }
  RETURN_IF_ERROR(attachments_.Save(request));
  changed_ = true;
  if (auto reconciled = Reconcile(); !reconciled) {
    changed_ = true;
    RETURN_IF_ERROR(attachments_.Remove(request.attachment));
    return std::unexpected(std::move(reconciled).error());
  }
  return {};
}

// From the manifests as they were read last: a folder that went away must not keep pods from
// ending. An attachment that is not known gets its rules removed as well, because an earlier DELETE
// may have failed after the record.
Result<> Agent::Delete(const policy::Attachment& attachment) {
  RETURN_IF_ERROR(attachments_.Remove(attachment));
  changed_ = true;
  return Enforce();
}

Result<> Agent::CollectGarbage(const policy::Request& request) {
  changed_ = true;
  std::set<std::pair<std::string, std::string>> valid;
  for (const policy::Attachment& one : request.valid_attachments) {
    valid.emplace(one.container_id, one.ifname);
  }
  for (const policy::Attachment& one : attachments_.OfNetwork(request.attachment.network)) {
    if (!valid.contains({one.container_id, one.ifname})) {
      RETURN_IF_ERROR(attachments_.Remove(one));
    }
  }
  return Enforce();
}

Result<> Agent::Check(const policy::Request& request) {
  RETURN_IF_ERROR(Sync());
  const LocalAddresses* local = attachments_.Find(request.attachment);
  if (local == nullptr) {
    return Fail(Code::kNotFound, "attachment {}/{}/{} is not known", request.attachment.network,
                request.attachment.container_id, request.attachment.ifname);
  }
  for (const std::string& text : request.addresses) {
    ASSIGN_OR_RETURN(const Address address, Address::Parse(text), "addresses");
    if (std::find(local->addresses.begin(), local->addresses.end(), address) ==
        local->addresses.end()) {
      return Fail(Code::kFailedPrecondition, "address {} is not the attachment's", text);
    }
  }
  if (!installed_) return Fail(Code::kUnavailable, "waiting for readable manifests");
  auto verified = firewall_.Verify(actual_);
  if (!verified) installed_ = false;  // the next change puts the whole table in place
  return verified;
}

Result<> Agent::Status() {
  RETURN_IF_ERROR(Sync());
  if (!installed_) {
    return Fail(Code::kUnavailable, "waiting for readable manifests: {}",
                fmt::join(complaints_, "; "));
  }
  if (!complaints_.empty()) {
    return Fail(Code::kFailedPrecondition, "manifests not in force: {}",
                fmt::join(complaints_, "; "));
  }
  return {};
}

}  // namespace trivet::netpolicy
