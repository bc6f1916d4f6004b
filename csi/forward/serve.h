#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/rpc/tls.h"
#include "csi/service/plugin.h"

namespace trivet::csi {

/// Of a controller that forwards. It needs neither root nor a folder of its own.
struct ForwardOptions {
  std::filesystem::path socket;
  std::vector<std::string> endpoints;    // NAME=ADDRESS
  std::filesystem::path endpoints_file;  // more of them; read again when it changes. Empty: none
  rpc::TlsFiles tls;                     // may be empty when all addresses are unix sockets
  SpecLevel level = SpecLevel::k1_12;
};

/// Serves until a stop signal. Errors: kInvalidArgument for an endpoint or TLS file.
Result<> ServeForwarding(const ForwardOptions& options);

/// The configuration checked, and nothing served.
Result<> CheckForwarding(const ForwardOptions& options);

}  // namespace trivet::csi
