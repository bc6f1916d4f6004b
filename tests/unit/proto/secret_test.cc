#include <gtest/gtest.h>

#include "proto/cri/api.grpc.pb.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet {
namespace {

bool IsSecret(const google::protobuf::Descriptor& message, const char* field) {
  return message.FindFieldByName(field)->options().GetExtension(::csi::v1::csi_secret);
}

TEST(CsiProto, MarksSecretsSoThatALogCanLeaveThemOut) {
  const auto* publish = ::csi::v1::NodePublishVolumeRequest::descriptor();

  EXPECT_TRUE(IsSecret(*publish, "secrets"));
  EXPECT_FALSE(IsSecret(*publish, "volume_id"));
}

TEST(CriProto, NamesItsServicesAsTheKubeletCallsThem) {
  EXPECT_STREQ(::runtime::v1::RuntimeService::service_full_name(), "runtime.v1.RuntimeService");
  EXPECT_STREQ(::runtime::v1::ImageService::service_full_name(), "runtime.v1.ImageService");
}

}  // namespace
}  // namespace trivet
