#include "csi/metrics.h"

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::testing::HasSubstr;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

TEST(WriteMetrics, CountsTheCallsByMethodAndCode) {
  constexpr int kResourceExhausted = 8;
  const TempDirectory folder;
  const Paths paths(folder.path());
  const auto pools = Pools::Open(DefaultConfig(paths), paths);
  auto stores = Stores::Open(paths);
  ASSERT_THAT(pools, IsOk());
  ASSERT_THAT(stores, IsOk());
  rpc::CallCount calls;
  for (const int code : {0, 0, kResourceExhausted}) {
    calls.Begin();
    calls.End("CreateVolume", code, std::chrono::milliseconds(500));
  }

  const std::string text = WriteMetrics(*stores, *pools, Health(*stores, *pools), calls.Calls());

  EXPECT_THAT(text, HasSubstr("# TYPE trivet_csi_calls_total counter\n"));
  EXPECT_THAT(text, HasSubstr("trivet_csi_calls_total{method=\"CreateVolume\",code=\"0\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("trivet_csi_calls_total{method=\"CreateVolume\",code=\"8\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("trivet_csi_call_seconds_total{method=\"CreateVolume\"} 1.5\n"));
}

}  // namespace
}  // namespace trivet::csi
