#include "common/linux/pipe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace trivet {

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<Pipe> MakeOutputPipe() {
  ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("fcntl O_NONBLOCK");
  return pipe;
}

Result<SocketPair> MakeSocketPair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return FailErrno("socketpair");
  }
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace trivet
