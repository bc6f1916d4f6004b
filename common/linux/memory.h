#pragma once

namespace trivet {

/// Keeps what threads free for each other, in two heaps: by default malloc has eight a core, each
/// of which keeps its own peak. Before the first thread. Source: mallopt(3), M_ARENA_MAX.
void ShareHeaps();

/// The same for a process with urgent threads (scheduling.h), which wait for the lock of a heap
/// that somebody has who is not let run: there are sixteen, and nobody has one for long. None is
/// tidied, nor given back to the kernel, by whoever frees something: that is GiveBackFreed's.
void ShareHeapsWithUrgent();

/// Gives freed memory back to the kernel. For a quiet moment: others wait for the heaps meanwhile.
void GiveBackFreed();

/// Gives back what only the start needed: freed memory, and the pages of this program and its
/// libraries that are as in their files, which come back when they are touched. Any thread.
void ForgetStart();

}  // namespace trivet
