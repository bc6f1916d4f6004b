#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/children.h"
#include "shim/container.h"
#include "shim/event_loop.h"
#include "shim/exec.h"
#include "shim/made_ahead.h"
#include "shim/paths.h"
#include "shim/server.h"
#include "shim/user_namespace.h"

namespace trivet::shim {

/// What a pod is when its first container is made.
struct Pod {
  SandboxSpec spec;
  UserNamespace user_namespace;
  std::optional<Child> reaper;  // PID 1 of its shared PID namespace, when there is one
};

/// The pod: its containers and execs, and what the daemon asks for.
class Supervisor {
 public:
  Supervisor(Pod pod, Paths paths, EventLoop& loop, Children& children);

  /// Begins to answer requests.
  Result<> Listen();
  /// The shutdown was asked for and is complete.
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  using Address = Server::Address;
  void Handle(const Address& from, Packet packet);
  Result<> Dispatch(const Address& from, Packet& packet);

  Result<> Hello(const Address& from, const Packet& packet);
  Result<> CreateContainer(const Address& from, Packet& packet);
  Result<> StartContainer(const Address& from, const Packet& packet);
  Result<> SignalContainer(const Address& from, const Packet& packet);
  Result<> RemoveContainer(const Address& from, const Packet& packet);
  Result<> StartExec(const Address& from, Packet& packet);
  Result<> ReopenLog(const Address& from, const Packet& packet);
  void Shutdown(const Address& from);
  void OnReaperExit();
  void FinishShutdown();

  [[nodiscard]] Result<Container*> Find(const std::string& id) const;
  [[nodiscard]] Result<int> PidNamespaceOf(const Container& container) const;
  [[nodiscard]] State StateNow() const;
  template <class Body>
  void AnswerWith(const Address& to, const Body& body);

  SandboxSpec spec_;
  UserNamespace user_namespace_;
  Paths paths_;
  EventLoop& loop_;
  Children& children_;
  std::optional<Child> reaper_;
  MadeAhead made_ahead_;
  bool said_hello_ = false;
  uint64_t own_caps_;
  std::unique_ptr<Server> server_;
  std::map<std::string, std::unique_ptr<Container>> containers_;
  std::map<uint64_t, std::unique_ptr<Exec>> execs_;
  uint64_t last_exec_ = 0;
  std::optional<Address> shutting_down_for_;
  bool stopped_ = false;
};

}  // namespace trivet::shim
