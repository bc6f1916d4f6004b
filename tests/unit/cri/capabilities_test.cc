#include "cri-runtime/container/capabilities.h"

#include <linux/capability.h>

#include <bit>

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::FailsWith;
using ::testing::TestWithParam;

constexpr uint64_t kEverything = (uint64_t{1} << (CAP_LAST_CAP + 1)) - 1;

uint64_t Bit(int capability) {
  return uint64_t{1} << capability;
}

uint64_t BoundingOf(const Security& security) {
  return ChooseCapabilities(security, kEverything)->bounding;
}

TEST(ChooseCapabilities, GivesTheFourteenDefaults) {
  EXPECT_EQ(std::popcount(BoundingOf({})), 14);
}

TEST(ChooseCapabilities, AddsAndDropsSingleNames) {
  const uint64_t set =
      BoundingOf({.add_capabilities = {"NET_ADMIN"}, .drop_capabilities = {"CAP_NET_RAW"}});
  EXPECT_NE(set & Bit(CAP_NET_ADMIN), 0u);
  EXPECT_EQ(set & Bit(CAP_NET_RAW), 0u);
}

TEST(ChooseCapabilities, KeepsWhatIsAddedWhenAllAreDropped) {
  EXPECT_EQ(BoundingOf({.add_capabilities = {"KILL"}, .drop_capabilities = {"all"}}),
            Bit(CAP_KILL));
}

TEST(ChooseCapabilities, DropsASingleNameFromAll) {
  EXPECT_EQ(BoundingOf({.add_capabilities = {"ALL"}, .drop_capabilities = {"SYS_ADMIN"}}),
            kEverything & ~Bit(CAP_SYS_ADMIN));
}

TEST(ChooseCapabilities, GivesAPrivilegedContainerAll) {
  EXPECT_EQ(BoundingOf({.privileged = true}), kEverything);
}

TEST(ChooseCapabilities, GivesNothingBeyondWhatIsAvailable) {
  const auto sets = ChooseCapabilities({.add_capabilities = {"ALL"}}, Bit(CAP_KILL));
  EXPECT_EQ(sets->bounding, Bit(CAP_KILL));
}

TEST(ChooseCapabilities, PutsAmbientOnesIntoTheBoundingSetToo) {
  const auto sets = ChooseCapabilities({.add_ambient_capabilities = {"NET_ADMIN"}}, kEverything);
  EXPECT_EQ(sets->ambient, Bit(CAP_NET_ADMIN));
  EXPECT_NE(sets->bounding & Bit(CAP_NET_ADMIN), 0u);
}

TEST(ChooseCapabilities, RefusesAnUnknownName) {
  EXPECT_THAT(
      ChooseCapabilities({.add_capabilities = {"NET_KING"}}, kEverything),
      FailsWith(Code::kInvalidArgument, "add_capabilities: unknown capability \"NET_KING\""));
}

TEST(CapabilityNumber, KnowsEveryCapabilityOfTheKernelByItsNumber) {
  for (int number = 0; number <= CAP_LAST_CAP; ++number) {
    EXPECT_EQ(*CapabilityNumber(CapabilityName(number)), number);
  }
}

}  // namespace
}  // namespace trivet::container
