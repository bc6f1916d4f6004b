#include "netpolicy/attachments.h"

#include <gmock/gmock.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using testing::IsOk;

policy::Request AddOf(const std::string& pod, const std::string& address) {
  return {.attachment = {"net", "c-" + pod, "eth0"},
          .pod_namespace = "n",
          .pod_name = pod,
          .pod_uid = "u",
          .addresses = {address}};
}

class AttachmentsTest : public ::testing::Test {
 protected:
  Attachments Open() {
    auto opened = Attachments::Open(state_.path());
    EXPECT_THAT(opened, IsOk());
    return *std::move(opened);
  }
  std::filesystem::path Folder() { return state_.path() / *ReadBootId(); }

  const testing::TempDirectory state_;
};

TEST_F(AttachmentsTest, AreReadByTheNextAgentInTheOrderOfTheirAdds) {
  {
    Attachments first = Open();
    ASSERT_THAT(first.Save(AddOf("z", "10.0.0.1")), IsOk());
    ASSERT_THAT(first.Save(AddOf("a", "10.0.0.2")), IsOk());
  }
  Attachments next = Open();
  ASSERT_THAT(next.Save(AddOf("m", "10.0.0.3")), IsOk());
  const auto all = Open().Addresses();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].pod.second, "z");
  EXPECT_EQ(all[1].pod.second, "a");
  EXPECT_EQ(all[2].pod.second, "m");
  EXPECT_EQ(all[0].uid, "u");
}

TEST_F(AttachmentsTest, HaveTheLongestNamesThatTheSpecificationsAllow) {
  auto request = AddOf(std::string(253, 'p'), "10.0.0.1");
  request.pod_namespace = std::string(63, 'n');
  request.attachment.network = std::string(255, 'w');
  request.attachment.container_id = std::string(255, 'c');
  auto other = request;
  other.attachment.container_id.back() = 'd';
  other.addresses = {"10.0.0.2"};
  ASSERT_THAT(Open().Save(request), IsOk());
  ASSERT_THAT(Open().Save(other), IsOk());
  Attachments attachments = Open();
  EXPECT_EQ(attachments.Addresses().size(), 2U);
  EXPECT_EQ(attachments.Find(request.attachment)->pod.second, request.pod_name);
  EXPECT_THAT(attachments.Remove(request.attachment), IsOk());
  EXPECT_EQ(Open().Addresses().size(), 1U);
  EXPECT_THAT(attachments.Remove(other.attachment), IsOk());
  EXPECT_TRUE(Open().Addresses().empty());
}

TEST_F(AttachmentsTest, AreForgottenForGoodAndRepeatedly) {
  Attachments attachments = Open();
  const auto request = AddOf("a", "10.0.0.1");
  ASSERT_THAT(attachments.Save(request), IsOk());
  EXPECT_THAT(attachments.Remove(request.attachment), IsOk());
  EXPECT_THAT(attachments.Remove(request.attachment), IsOk());
  EXPECT_TRUE(Open().Addresses().empty());
}

TEST_F(AttachmentsTest, OfAnEarlierBootAreRemoved) {
  state_.Fill({{"another-boot/net@c@eth0.json", "{}"}});
  EXPECT_TRUE(Open().Addresses().empty());
  EXPECT_FALSE(std::filesystem::exists(state_ / "another-boot"));
}

TEST_F(AttachmentsTest, LoseWhatAKilledSaveLeft) {
  Open();
  std::ofstream(Folder() / ".c.json.7.1.tmp") << "half";
  Open();
  EXPECT_TRUE(std::filesystem::is_empty(Folder()));
}

TEST_F(AttachmentsTest, AreReadWithoutAChangeByAnotherProcess) {
  state_.Fill({{"another-boot/net@c@eth0.json", "{}"}});
  const auto read = Attachments::Read(state_.path());
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(std::filesystem::exists(state_ / "another-boot"));
  EXPECT_FALSE(std::filesystem::exists(Folder()));
}

TEST_F(AttachmentsTest, StopTheAgentWhenOneIsNotReadable) {
  Open();
  std::ofstream(Folder() / "net@c@eth0.json") << "{";
  EXPECT_THAT(Attachments::Open(state_.path()),
              FailsWith(Code::kInvalidArgument, "net@c@eth0.json"));
  std::ofstream(Folder() / "net@c@eth0.json") << R"({"version": 9})";
  EXPECT_THAT(Attachments::Open(state_.path()),
              FailsWith(Code::kInvalidArgument, "version: 9 is not 1"));
}

TEST_F(AttachmentsTest, AreAllRemovedButTheLock) {
  ASSERT_THAT(Open().Save(AddOf("a", "10.0.0.1")), IsOk());
  state_.Fill({{"lock", ""}});
  EXPECT_THAT(Attachments::RemoveAll(state_.path()), IsOk());
  EXPECT_THAT(*ListDirectory(state_.path()), ::testing::ElementsAre("lock"));
}

}  // namespace
}  // namespace trivet::netpolicy
