#pragma once

namespace trivet {

/// Has threads share sixteen heaps: by default malloc has eight a core, each of which keeps its own
/// peak. With fewer, whoever answers waits for the lock of one that a thread has which is not let
/// run. Before the first thread. Source: mallopt(3), M_ARENA_MAX.
void ShareHeaps();

/// Gives back what only the start needed: freed memory, and the pages of this program and its
/// libraries that are as in their files, which come back when they are touched. Any thread.
void ForgetStart();

}  // namespace trivet
