#include "ctl/command/exec.h"

#include <iostream>

namespace trivet::ctl {

using ::runtime::v1::RuntimeService;

Result<int> Execute(const std::filesystem::path& cri_socket, const TargetName& name,
                    const std::vector<std::string>& command, std::chrono::seconds timeout) {
  // A call without an end still has one: gRPC's clock must not overflow.
  constexpr auto kForever = std::chrono::hours(24 * 365);
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  ASSIGN_OR_RETURN(const auto status, FindContainer(cri, name));

  ::runtime::v1::ExecSyncRequest request;
  request.set_container_id(status.id());
  request.mutable_cmd()->Add(command.begin(), command.end());
  request.set_timeout(timeout.count());
  ASSIGN_OR_RETURN(const auto response,
                   Call(*cri.runtime, &RuntimeService::Stub::ExecSync, request,
                        timeout.count() == 0 ? kForever : timeout + kCallTimeout),
                   "exec");
  std::cout << response.stdout() << std::flush;
  std::cerr << response.stderr() << std::flush;
  return response.exit_code();
}

}  // namespace trivet::ctl
