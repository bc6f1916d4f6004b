#include "shim/supervisor.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/linux/netns_pin.h"
#include "proto/trivet/wire.h"
#include "shim/process_plan.h"
#include "shim/stdio.h"

namespace trivet::shim {

Supervisor::Supervisor(Pod pod, Paths paths, EventLoop& loop, Children& children)
    : spec_(std::move(pod.spec)),
      user_namespace_(std::move(pod.user_namespace)),
      paths_(std::move(paths)),
      loop_(loop),
      children_(children),
      reaper_(std::move(pod.reaper)),
      own_caps_(ReadBoundingCapabilities()) {
  if (reaper_)
    children_.Expect(reaper_->pid, [this](const ChildExit& /*exit*/) { OnReaperExit(); });
}

Result<> Supervisor::Listen() {
  ASSIGN_OR_RETURN(
      server_, Server::Listen(loop_, paths_.socket(), [this](const Address& from, Packet packet) {
        Handle(from, std::move(packet));
      }));
  return {};
}

template <class Body>
void Supervisor::AnswerWith(const Address& to, const Body& body) {
  server_->Answer(to, wire::Encode(body, to.minor));
}

// What Dispatch fails with is the answer; when it succeeds the answer was given or will be.
void Supervisor::Handle(const Address& from, Packet packet) {
  auto dispatched = Dispatch(from, packet);
  if (!dispatched) server_->Answer(from, std::unexpected(std::move(dispatched).error()));
  packet = {};
  ::malloc_trim(0);
}

Result<> Supervisor::Dispatch(const Address& from, Packet& packet) {
  switch (packet.header.verb) {
    case Verb::kHello:
      return Hello(from, packet);
    case Verb::kCreateContainer:
      return CreateContainer(from, packet);
    case Verb::kStartContainer:
      return StartContainer(from, packet);
    case Verb::kSignalContainer:
      return SignalContainer(from, packet);
    case Verb::kRemoveContainer:
      return RemoveContainer(from, packet);
    case Verb::kExec:
      return StartExec(from, packet);
    case Verb::kReopenLog:
      return ReopenLog(from, packet);
    case Verb::kShutdown:
      Shutdown(from);
      return {};
    case Verb::kContainerExited:
      break;
  }
  return Fail(Code::kUnimplemented, "verb {} is no request", static_cast<int>(packet.header.verb));
}

// The request is in 1.0, whose daemons offer nothing.
Result<> Supervisor::Hello(const Address& from, const Packet& packet) {
  Offer offer{.minor = 0};
  if (!packet.body.empty()) {
    ASSIGN_OR_RETURN(offer, DecodeBody<Offer>(packet));
  }
  Address agreed = from;
  agreed.minor = std::min(offer.minor, kMinor);
  server_->Subscribe(agreed);
  AnswerWith(agreed, StateNow());
  if (std::exchange(said_hello_, true) || spec_.uids.length > 0) return {};
  loop_.AddTimer({}, [this] {
    made_ahead_.Make();
    ::malloc_trim(0);
  });
  return {};
}

Result<> Supervisor::CreateContainer(const Address& from, Packet& packet) {
  ASSIGN_OR_RETURN(const auto spec, DecodeBody<ContainerSpec>(packet));
  const std::string what = "create container " + spec.id;
  if (shutting_down_for_) return Fail(Code::kFailedPrecondition, "{}: the pod is ending", what);
  if (containers_.contains(spec.id)) return Fail(Code::kAlreadyExists, "{}: exists", what);
  ASSIGN_OR_RETURN(InitPlan plan,
                   MakeInitPlan(spec, packet.fds,
                                {.attach_point = paths_.root().native(),
                                 .own_caps = own_caps_,
                                 .own_ipc = spec_.ipc == NamespaceMode::kPod}),
                   what);
  RETURN_IF_ERROR(user_namespace_.Place(plan), what);
  made_ahead_.GiveTo(plan);
  ASSIGN_OR_RETURN(HookSet hooks, MakeHookSet(spec, packet.fds, user_namespace_, own_caps_), what);
  plan.hooks_before_pivot = hooks.HasBeforePivot();
  plan.hooks_in_root = hooks.Has(HookKind::kStartContainer);
  ASSIGN_OR_RETURN(auto container,
                   Container::Create(spec, std::move(plan), std::move(hooks), loop_, children_,
                                     [this](const ExitRecord& exit) {
                                       server_->SendEvent(Verb::kContainerExited, exit);
                                       FinishShutdown();
                                     }),
                   what);
  // Before the answer: whoever waits for that goes on where this process is, and the container's
  // first process meanwhile on another processor.
  container->PrepareStart();
  containers_[spec.id] = std::move(container);
  AnswerWith(from, Empty{});
  return {};
}

Result<> Supervisor::StartContainer(const Address& from, const Packet& packet) {
  ASSIGN_OR_RETURN(const auto ref, DecodeBody<ContainerRef>(packet));
  ASSIGN_OR_RETURN(Container * container, Find(ref.id));
  ASSIGN_OR_RETURN(const int pidfd, PidNamespaceOf(*container), "start container " + ref.id);
  container->Start(pidfd, [this, from](Result<Started> started) {
    if (started) return AnswerWith(from, *started);
    server_->Answer(from, std::unexpected(std::move(started).error()));
  });
  return {};
}

Result<> Supervisor::SignalContainer(const Address& from, const Packet& packet) {
  ASSIGN_OR_RETURN(const auto request, DecodeBody<SignalRequest>(packet));
  ASSIGN_OR_RETURN(Container * container, Find(request.id));
  RETURN_IF_ERROR(container->Signal(request), "signal container " + request.id);
  AnswerWith(from, Empty{});
  return {};
}

Result<> Supervisor::RemoveContainer(const Address& from, const Packet& packet) {
  ASSIGN_OR_RETURN(const auto ref, DecodeBody<ContainerRef>(packet));
  const auto found = containers_.find(ref.id);
  if (found == containers_.end()) {
    AnswerWith(from, Empty{});
    return {};
  }
  found->second->Kill();
  found->second->WhenGone([this, from, id = ref.id] {
    // Not now: it may be the container that calls.
    loop_.AddTimer({}, [this, from, id] {
      containers_.erase(id);
      AnswerWith(from, Empty{});
    });
  });
  return {};
}

Result<> Supervisor::StartExec(const Address& from, Packet& packet) {
  ASSIGN_OR_RETURN(const auto request, DecodeBody<ExecRequest>(packet));
  ASSIGN_OR_RETURN(Container * container, Find(request.id));
  if (request.process.terminal) {
    return Fail(Code::kUnimplemented, "exec: a terminal comes with streaming, later");
  }
  ASSIGN_OR_RETURN(ProcessPlan plan, MakeProcessPlan(request.process, Purpose::kExec, own_caps_),
                   "exec");
  RETURN_IF_ERROR(user_namespace_.Place(plan), "exec");
  const int32_t indices[] = {request.stdin_fd_index, request.stdout_fd_index,
                             request.stderr_fd_index};
  for (size_t number = 0; number < 3; ++number) {
    ASSIGN_OR_RETURN(plan.stdio[number], indices[number] == kNoFd
                                             ? OpenNull(O_RDWR)
                                             : TakeFd(packet.fds, indices[number], "exec stdio"));
  }
  ASSIGN_OR_RETURN(auto exec,
                   Exec::Launch(*container, std::move(plan),
                                std::chrono::milliseconds(request.timeout_ms), loop_, children_));
  const uint64_t id = ++last_exec_;
  exec->WhenDone([this, from, id](Result<ExecResult> result) {
    if (result) {
      AnswerWith(from, *result);
    } else {
      server_->Answer(from, std::unexpected(std::move(result).error()));
    }
    loop_.AddTimer({}, [this, id] {
      execs_.erase(id);
      FinishShutdown();
    });
  });
  execs_[id] = std::move(exec);
  return {};
}

Result<> Supervisor::ReopenLog(const Address& from, const Packet& packet) {
  ASSIGN_OR_RETURN(const auto ref, DecodeBody<ContainerRef>(packet));
  ASSIGN_OR_RETURN(Container * container, Find(ref.id));
  RETURN_IF_ERROR(container->ReopenLog());
  AnswerWith(from, Empty{});
  return {};
}

// Containers first: their ends are recorded. The reaper goes when the last has ended, and takes
// along what hides in the PID namespace.
void Supervisor::Shutdown(const Address& from) {
  shutting_down_for_ = from;
  for (const auto& [id, container] : containers_) {
    container->Kill();
    // Later: what calls is not done yet.
    if (!container->gone()) {
      container->WhenGone([this] { loop_.AddTimer({}, [this] { FinishShutdown(); }); });
    }
  }
  for (const auto& [id, exec] : execs_) exec->Kill();
  FinishShutdown();
}

// A PID namespace takes no process any more once its first has ended: such a pod cannot go on. That
// the shim ends tells the daemon, which reports the pod as not ready.
void Supervisor::OnReaperExit() {
  reaper_.reset();
  if (shutting_down_for_) return FinishShutdown();
  WriteLogLine(LogLevel::kError, "trivet-shim", "the first process of the pod has ended");
  Shutdown({});
}

void Supervisor::FinishShutdown() {
  if (!shutting_down_for_ || stopped_) return;
  for (const auto& [id, container] : containers_) {
    if (!container->gone()) return;
  }
  if (reaper_) {
    const Child reaper = std::move(*std::exchange(reaper_, std::nullopt));
    if (SendSignal(reaper.pidfd, SIGKILL)) return;  // goes on when it has ended
  }
  if (!children_.empty()) return;  // an exec; its end leads here again
  stopped_ = true;
  const auto unpinned = UnpinNetworkNamespace(spec_.netns_path);
  ::unlink(paths_.socket().c_str());
  ::unlink(paths_.pid().c_str());
  server_->Answer(*shutting_down_for_, unpinned ? Result<std::string>(std::string())
                                                : std::unexpected(unpinned.error()));
  loop_.Stop();
}

Result<Container*> Supervisor::Find(const std::string& id) const {
  const auto found = containers_.find(id);
  if (found == containers_.end()) return Fail(Code::kNotFound, "container {} does not exist", id);
  return found->second.get();
}

// A process in the PID namespace the container is to be born in, or -1 for the node's or a new one.
Result<int> Supervisor::PidNamespaceOf(const Container& container) const {
  switch (container.pid_mode()) {
    case NamespaceMode::kNode:
    case NamespaceMode::kContainer:
      return -1;
    case NamespaceMode::kPod:
      if (reaper_) return reaper_->pidfd.get();
      return Fail(Code::kFailedPrecondition, "the pod has no PID namespace to share");
    case NamespaceMode::kTarget:
      break;
  }
  ASSIGN_OR_RETURN(const Container* target, Find(container.pid_target()), "pid_target");
  if (target->pidfd() >= 0) return target->pidfd();
  return Fail(Code::kFailedPrecondition, "pid_target {} is not running", container.pid_target());
}

State Supervisor::StateNow() const {
  State state{.sandbox_id = spec_.id,
              .shim_pid = ::getpid(),
              .reaper_pid = reaper_ ? reaper_->pid : 0,
              .program_version = TRIVET_VERSION};
  for (const auto& [id, container] : containers_) state.containers.push_back(container->state());
  return state;
}

}  // namespace trivet::shim
