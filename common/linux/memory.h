#pragma once

namespace trivet {

/// Keeps what threads free for each other: by default malloc has eight heaps a core, each of which
/// keeps its own peak. Before the first thread. Source: mallopt(3), M_ARENA_MAX.
void ShareHeaps();

/// Gives back what only the start needed: freed memory, and the pages of this program and its
/// libraries that are as in their files, which come back when they are touched. Any thread.
void ForgetStart();

}  // namespace trivet
