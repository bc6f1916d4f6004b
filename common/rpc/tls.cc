#include "common/rpc/tls.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>

#include "common/linux/file.h"

namespace trivet::rpc {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

BioPtr MemoryOf(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Result<CertificatePtr> ReadCertificate(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const BioPtr memory = MemoryOf(text);
  CertificatePtr found(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), &X509_free);
  if (found) return found;
  return Fail(Code::kInvalidArgument, "{}: holds no certificate in PEM form", file.native());
}

Result<KeyPtr> ReadKey(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const BioPtr memory = MemoryOf(text);
  // A key with a passphrase is none: nobody is there to be asked for it.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  KeyPtr found(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr),
               &EVP_PKEY_free);
  if (found) return found;
  return Fail(Code::kInvalidArgument, "{}: holds no key in PEM form that needs no passphrase",
              file.native());
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> Watch(const TlsFiles& files) {
  constexpr unsigned kLookAgainSeconds = 60;
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.authorities, kLookAgainSeconds);
}

// Whoever holds some certificate of the authority is not yet the one that is served.
class OnlyClient final : public grpc::AuthMetadataProcessor {
 public:
  explicit OnlyClient(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& /*metadata*/, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) override {
    const std::vector<grpc::string_ref> names = context->GetPeerIdentity();
    if (std::ranges::any_of(names, [&](const auto& one) { return one == name_; })) {
      return grpc::Status::OK;
    }
    return {grpc::PERMISSION_DENIED, "the client's certificate is not for the name " + name_};
  }

 private:
  const std::string name_;
};

}  // namespace

Result<> CheckTls(const TlsFiles& files) {
  if (files.certificate.empty() || files.key.empty() || files.authorities.empty()) {
    return Fail(Code::kInvalidArgument, "TLS: --tls-cert, --tls-key and --tls-ca are wanted, all");
  }
  ASSIGN_OR_RETURN(const CertificatePtr certificate, ReadCertificate(files.certificate),
                   "--tls-cert");
  ASSIGN_OR_RETURN(const KeyPtr key, ReadKey(files.key), "--tls-key");
  RETURN_IF_ERROR(ReadCertificate(files.authorities), "--tls-ca");
  if (X509_check_private_key(certificate.get(), key.get()) == 1) return {};
  return Fail(Code::kInvalidArgument, "--tls-key: {} is not the key of {}", files.key.native(),
              files.certificate.native());
}

std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(const TlsFiles& files) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const TlsFiles& files,
                                                           const std::string& client) {
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<OnlyClient>(client));
  return credentials;
}

}  // namespace trivet::rpc
