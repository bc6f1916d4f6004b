#pragma once

/// The labels by which the kubelet, and so every CRI tool, finds pods and containers.
/// Source: k8s.io/kubernetes/pkg/kubelet/types/labels.go.
namespace trivet::ctl::label {

inline constexpr char kPodName[] = "io.kubernetes.pod.name";
inline constexpr char kPodNamespace[] = "io.kubernetes.pod.namespace";
inline constexpr char kPodUid[] = "io.kubernetes.pod.uid";
inline constexpr char kContainerName[] = "io.kubernetes.container.name";

}  // namespace trivet::ctl::label
