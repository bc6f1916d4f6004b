#pragma once

/// What the kubelet masks and makes read-only by default.
namespace trivet::bench {

constexpr auto kMasked = {"/proc/asound",      "/proc/acpi",          "/proc/kcore",
                          "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
                          "/proc/timer_stats", "/proc/sched_debug",   "/proc/scsi",
                          "/sys/firmware"};
constexpr auto kReadonly = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                            "/proc/sysrq-trigger"};

}  // namespace trivet::bench
