#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/base/error.h"

namespace trivet::rpc {

/// PEM files of one end of mutual TLS. They are looked at again every minute while they are in
/// use, so that renewed ones need no restart.
struct TlsFiles {
  std::filesystem::path certificate;  // with the chain below the authority
  std::filesystem::path key;
  std::filesystem::path authorities;  // who may have signed the other end's

  [[nodiscard]] bool any() const {
    return !certificate.empty() || !key.empty() || !authorities.empty();
  }
};

/// Errors: kInvalidArgument naming the flag that is missing or the file that holds no certificate
/// or key, and when key and certificate do not belong together.
Result<> CheckTls(const TlsFiles& files);

/// Of a client. It believes a server that shows a certificate of `files.authorities` for the name
/// that the channel expects (ChannelArguments::SetSslTargetNameOverride).
std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(const TlsFiles& files);

/// Of a server that lets in only clients that show a certificate of `files.authorities` for the
/// name `client`; others are kPermissionDenied, or get no connection when they show none.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const TlsFiles& files,
                                                           const std::string& client);

}  // namespace trivet::rpc
