#include "common/base/json.h"

#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(JsonParse, SaysWhereTheTextIsWrong) {
  EXPECT_THAT(json::Parse("{\"a\": }"), FailsWith(Code::kInvalidArgument, "line 1, column 7"));
}

TEST(JsonParse, RefusesDeepNesting) {
  EXPECT_THAT(json::Parse(std::string(100'000, '[')), FailsWith(Code::kInvalidArgument, ""));
}

TEST(JsonReadOptional, RefusesANumberThatDoesNotFit) {
  uint32_t mtu = 1500;
  const auto object = *json::Parse(R"({"mtu": -1})");
  EXPECT_THAT(json::ReadOptional(object, "mtu", mtu),
              FailsWith(Code::kInvalidArgument, "mtu: unexpected -1"));
  EXPECT_EQ(mtu, 1500U);
}

TEST(JsonReadOptional, TakesANumberThatIsKeptAsSigned) {
  uint16_t port = 0;
  const json::Value object = {{"port", int64_t{80}}, {"below", int64_t{-1}}};
  EXPECT_THAT(json::ReadOptional(object, "port", port), IsOk());
  EXPECT_EQ(port, 80);
  EXPECT_THAT(json::ReadOptional(object, "below", port),
              FailsWith(Code::kInvalidArgument, "below: unexpected -1"));
}

TEST(JsonReadOptional, LeavesTheDefaultWhenTheKeyIsAbsentOrNull) {
  std::string name = "default";
  EXPECT_THAT(json::ReadOptional(*json::Parse(R"({"name": null})"), "name", name), IsOk());
  EXPECT_EQ(name, "default");
}

TEST(JsonReadOptional, NamesTheItemOfAList) {
  std::vector<std::string> items;
  EXPECT_THAT(json::ReadOptional(*json::Parse(R"({"args": ["a", 1]})"), "args", items),
              FailsWith(Code::kInvalidArgument, "args: [1]: unexpected 1, want a string"));
}

TEST(JsonReadRequired, NamesTheMissingKey) {
  std::string name;
  EXPECT_THAT(json::ReadRequired(*json::Parse("{}"), "name", name),
              FailsWith(Code::kInvalidArgument, "name: missing"));
}

TEST(JsonRejectUnknownKeys, NamesTheKey) {
  EXPECT_THAT(json::RejectUnknownKeys(*json::Parse(R"({"sokcet": 1})"), {"socket"}),
              FailsWith(Code::kInvalidArgument, "sokcet: unknown key"));
}

}  // namespace
}  // namespace trivet
