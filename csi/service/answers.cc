#include "csi/service/answers.h"

namespace trivet::csi {
namespace {

::csi::v1::VolumeHealthErrorType ErrorTypeOf(HealthStatus status) {
  switch (status) {
    case HealthStatus::kDegraded:
      return ::csi::v1::DEGRADED;
    case HealthStatus::kInaccessible:
      return ::csi::v1::INACCESSIBLE;
    case HealthStatus::kDataLoss:
      return ::csi::v1::DATA_LOSS;
  }
  return ::csi::v1::UNKNOWN_VOLUME_HEALTH_TYPE;
}

}  // namespace

::google::protobuf::Timestamp TimestampOf(int64_t unix_nanos) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  ::google::protobuf::Timestamp time;
  time.set_seconds(unix_nanos / kNanosPerSecond);
  time.set_nanos(static_cast<int32_t>(unix_nanos % kNanosPerSecond));
  return time;
}

void Describe(const SnapshotRecord& record, ::csi::v1::Snapshot& snapshot) {
  snapshot.set_snapshot_id(record.id);
  snapshot.set_source_volume_id(record.volume_id);
  snapshot.set_size_bytes(static_cast<int64_t>(record.size_bytes));
  snapshot.set_ready_to_use(true);
  snapshot.set_group_snapshot_id(record.group_id);
  *snapshot.mutable_creation_time() = TimestampOf(record.created_unix_nanos);
}

void Describe(const std::string& volume_id, const VolumeHealth& health,
              ::csi::v1::VolumeHealth& answer) {
  answer.set_volume_id(volume_id);
  for (const HealthProblem& problem : health) {
    auto& entry = *answer.add_health_statuses();
    entry.set_status(ErrorTypeOf(problem.status));
    entry.set_reason(problem.reason);
    entry.set_message(problem.message);
  }
}

}  // namespace trivet::csi
