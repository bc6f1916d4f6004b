#include "common/rpc/status.h"
#include "cri-runtime/service/answers.h"
#include "cri-runtime/service/runtime_service.h"

// The RuntimeService's stream of what happens.
namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

// How soon a client that has gone is noticed when nothing happens.
constexpr auto kPatience = std::chrono::seconds(1);

v1::ContainerEventType TypeOf(state::EventType type) {
  switch (type) {
    case state::EventType::kCreated:
      return v1::CONTAINER_CREATED_EVENT;
    case state::EventType::kStarted:
      return v1::CONTAINER_STARTED_EVENT;
    case state::EventType::kStopped:
      return v1::CONTAINER_STOPPED_EVENT;
    case state::EventType::kDeleted:
      break;
  }
  return v1::CONTAINER_DELETED_EVENT;
}

v1::ContainerEventResponse MessageOf(const state::Event& event) {
  v1::ContainerEventResponse message;
  message.set_container_id(event.id);
  message.set_container_event_type(TypeOf(event.type));
  message.set_created_at(event.at_ns);
  if (event.sandbox != nullptr) {
    FillSandboxStatus(*event.sandbox, *message.mutable_pod_sandbox_status());
  }
  for (const auto& container : event.containers) {
    if (container->state.phase == container::Phase::kCreating) continue;
    FillContainerStatus(*container, *message.add_containers_statuses());
  }
  return message;
}

}  // namespace

grpc::Status RuntimeService::GetContainerEvents(
    grpc::ServerContext* context, const v1::GetEventsRequest* /*request*/,
    grpc::ServerWriter<v1::ContainerEventResponse>* writer) {
  return rpc::HandleStream("GetContainerEvents", [&]() -> Result<> {
    const auto queue = node_.store.events().Listen();
    writer->SendInitialMetadata();  // the client knows that it misses nothing from now on
    while (!context->IsCancelled()) {
      const auto event = queue->Take(kPatience);
      if (event) {
        if (!writer->Write(MessageOf(*event))) return {};
      } else if (queue->state() == state::EventQueue::State::kOverflowed) {
        return Fail(Code::kResourceExhausted, "the client does not take its events");
      } else if (queue->state() == state::EventQueue::State::kClosed) {
        return Fail(Code::kUnavailable, "the runtime is stopping");
      }
    }
    return {};
  });
}

}  // namespace trivet::cri
