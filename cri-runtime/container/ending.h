#pragma once

#include <chrono>
#include <string>

#include "common/base/error.h"
#include "cri-runtime/node.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// Records that a container has ended, and removes the exit record that was kept for us.
/// Repeatable: the first exit stays.
Result<> RecordExit(cri::Node& node, const shim::ExitRecord& exit);

/// For a container that is known to have ended: with the exit record that its shim left, or as
/// killed when there is none. One that never ran, or has ended already, keeps its state.
Result<> CollectExit(cri::Node& node, const Record& record);

/// Kills a container whose start waits for its CDI hooks, so that who ends it need not wait for
/// them. False when nothing of it runs, or it runs already by the record.
bool EndHeldStart(cri::Node& node, const state::Container& container);
/// Those of a sandbox.
void EndHeldStarts(cri::Node& node, const std::string& sandbox_id);

/// For a container whose shim cannot be spoken with: signals its first process, the one of the
/// record. One that has ended is success.
Result<> SignalUnheard(cri::Node& node, const Record& record, int signal);

/// For such a container: whether its first process ends within `patience`; then its end is
/// recorded, as by CollectExit.
bool AwaitUnheard(cri::Node& node, const Record& record, std::chrono::milliseconds patience);

/// Ends a container, running, created or half-made, tells its shim to forget it, and discards it.
/// The caller holds the sandbox's lock. Absent is success.
Result<> Undo(cri::Node& node, const Record& record);

/// Removes all that a container without processes has: group, overlay, pin, record.
Result<> Discard(cri::Node& node, const std::string& id, const std::string& group);

}  // namespace trivet::container
