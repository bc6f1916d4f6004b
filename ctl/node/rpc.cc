#include "ctl/node/rpc.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/rpc/server.h"

namespace trivet::ctl {

std::shared_ptr<grpc::Channel> OpenChannel(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(rpc::Server::kMaxMessageBytes);
  // A proxy of the environment has nothing to do with a unix socket.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel("unix:" + socket.native(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace trivet::ctl
