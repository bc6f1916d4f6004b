#pragma once

/// What the agent keeps, and where:
///
///   /etc/trivet/netpolicy.json          optional; flags override it
///   /var/lib/trivet/netpolicy/   0700   --state-dir
///     lock                              held by the running agent
///     <boot id>/                        this boot's; folders of earlier boots are removed at start
///       <network>@<container>@<ifname>.json   one pod interface and its addresses (attachments.h);
///                                       a hash where the names are too long for a file's
///   /run/trivet/netpolicy.sock   0600   --socket; proto/trivet/policy.h
///
/// and in the kernel, table inet trivet_policy (docs/netpolicy.md). Both survive the agent: a
/// stopped or killed agent leaves its rules in force, `trivet-netpolicy --flush` removes all of it.
///
/// A record changes before the rules, and the agent's start makes the rules fit the records, so a
/// kill in between changes nothing. Records are not synced: a crash of the machine ends the pods as
/// well, and then the boot id is another.
namespace trivet::netpolicy {

constexpr const char* kDefaultConfig = "/etc/trivet/netpolicy.json";
constexpr const char* kDefaultManifests = "/var/lib/trivet/manifests";  // trivetctl's too
constexpr const char* kDefaultStateDirectory = "/var/lib/trivet/netpolicy";
constexpr const char* kDefaultSocket = "/run/trivet/netpolicy.sock";
constexpr const char* kLockName = "lock";

}  // namespace trivet::netpolicy
