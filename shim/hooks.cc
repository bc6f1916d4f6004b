#include "shim/hooks.h"

#include <cassert>

#include "common/base/log.h"

namespace trivet::shim {

void Hooks::Run(std::initializer_list<HookKind> kinds, const HookPlace& place, OnDone done) {
  assert(idle());
  job_ = Job{.place = place, .done = std::move(done)};
  for (const HookKind kind : kinds) {
    for (PlannedHook& hook : set_.hooks) {
      if (hook.kind == kind) job_->hooks.push_back(std::move(hook));
    }
    std::erase_if(set_.hooks, [&](const PlannedHook& hook) { return hook.kind == kind; });
  }
  Next();
}

void Hooks::Abort() {
  if (job_) job_->hooks.clear();
  if (running_) running_->Abort();
}

void Hooks::Next() {
  if (job_->hooks.empty()) return Finish({});
  PlannedHook hook = std::move(job_->hooks.front());
  job_->hooks.pop_front();
  const HookKind kind = hook.kind;
  auto launched =
      HookRun::Launch(std::move(hook), job_->place, set_, loop_, children_,
                      [this, kind](Result<> result) { OnEnd(kind, std::move(result)); });
  if (!launched) return OnEnd(kind, std::unexpected(std::move(launched).error()));
  running_ = std::move(*launched);
}

void Hooks::OnEnd(HookKind kind, Result<> result) {
  running_.reset();
  if (result) return Next();
  if (kind != HookKind::kPoststop) return Finish(std::move(result));
  WriteLogLine(LogLevel::kWarning, "trivet-shim", result.error().message());
  Next();
}

void Hooks::Finish(Result<> result) {
  const OnDone done = std::move(job_->done);
  job_.reset();
  done(std::move(result));
}

}  // namespace trivet::shim
