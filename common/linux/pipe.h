#pragma once

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// Pairs of descriptors for a process and its child; all are close-on-exec.
namespace trivet {

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> MakePipe();

/// For what a program writes: the reader does not block, the program's end behaves as programs
/// expect.
Result<Pipe> MakeOutputPipe();

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

/// Of AF_UNIX; `type` is SOCK_STREAM or SOCK_SEQPACKET. Unlike a pipe's, an end can be told by
/// shutdown(2): that of a pipe waits for children of other threads, which have a copy of the writer
/// until they execute.
Result<SocketPair> MakeSocketPair(int type);

}  // namespace trivet
