#include "cni/attachment.h"

#include <gtest/gtest.h>

#include "cni/attachment_store.h"
#include "cni/veth.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;
using ::testing::SizeIs;

Attachment MakeAttachment(const AttachmentKey& key) {
  Attachment attachment;
  attachment.key = key;
  attachment.boot_id = "boot";
  attachment.host_interface = HostInterfaceName(key);
  attachment.bridge = "cni0";
  attachment.masquerade = true;
  attachment.addresses = {*IpAddress::Parse("10.1.0.5"), *IpAddress::Parse("fd00::5")};
  attachment.reservations = "/var/lib/trivet/cni/networks/net";
  attachment.policy = PolicyConf{.socket = "/run/p.sock", .required = false};
  return attachment;
}

TEST(ParseAttachment, ReadsBackWhatWasWritten) {
  const Attachment attachment = MakeAttachment({"net", "pod", "eth0"});

  const auto read = ParseAttachment(ToJson(attachment));

  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(ToJson(*read), ToJson(attachment));
  EXPECT_FALSE(read->policy->required);
}

TEST(ParseAttachment, RefusesANewerVersion) {
  json::Value value = ToJson(MakeAttachment({"net", "pod", "eth0"}));
  value["version"] = 2;

  EXPECT_THAT(ParseAttachment(value), FailsWith(Code::kUnimplemented, "version 2"));
}

TEST(RecordName, IsDifferentForDifferentAttachments) {
  EXPECT_NE(RecordName({"a-b", "c", "e"}), RecordName({"a", "b-c", "e"}));
  EXPECT_EQ(RecordName({"net", "pod", "eth0"}), "net@pod@eth0.json");
}

TEST(RecordName, FitsAFileHoweverLongTheIdsAre) {
  const std::string network(100, 'n');
  const std::string name = RecordName({network, std::string(255, 'c'), "eth0"});

  EXPECT_LE(name.size(), 200U);
  EXPECT_NE(name, RecordName({network, std::string(254, 'c'), "eth0"}));
}

TEST(HostInterfaceName, IsAnInterfaceNameAndItsOwn) {
  const std::string name = HostInterfaceName({"net", "pod", "eth0"});

  EXPECT_THAT(name, SizeIs(15));
  EXPECT_NE(name, HostInterfaceName({"net", "pod", "eth1"}));
  EXPECT_NE(name, HostInterfaceName({"net", "pod2", "eth0"}));
  EXPECT_NE(name,
            HostInterfaceName({"other", "pod", "eth0"}));  // whose ADD may fail, and is undone
}

class AttachmentStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(EnsureDirectory(paths_.attachments()), IsOk()); }

  const testing::TempDirectory folder_;
  const Paths paths_{folder_.path()};
  const AttachmentStore store_{paths_};
};

TEST_F(AttachmentStoreTest, ReadsNoneWhenThereIsNone) {
  EXPECT_EQ(store_.Read({"net", "pod", "eth0"})->has_value(), false);
}

TEST_F(AttachmentStoreTest, TakesATruncatedRecordForNone) {
  folder_.Fill({{"attachments/net@pod@eth0.json", "{\"version\": 1, \"netw"}});

  EXPECT_EQ(store_.Read({"net", "pod", "eth0"})->has_value(), false);
  EXPECT_THAT(*store_.List(), SizeIs(0));
}

TEST_F(AttachmentStoreTest, RefusesToTouchARecordOfANewerVersion) {
  json::Value value = ToJson(MakeAttachment({"net", "pod", "eth0"}));
  value["version"] = 2;
  folder_.Fill({{"attachments/net@pod@eth0.json", json::Write(value)}});

  EXPECT_THAT(store_.Read({"net", "pod", "eth0"}), FailsWith(Code::kUnimplemented, "net@pod@eth0"));
}

TEST_F(AttachmentStoreTest, ListsTheRecordsOfOneNetwork) {
  ASSERT_THAT(store_.Write(MakeAttachment({"net", "pod", "eth0"})), IsOk());
  ASSERT_THAT(store_.Write(MakeAttachment({"net-2", "pod", "eth0"})), IsOk());

  EXPECT_THAT(*store_.List(), SizeIs(2));
  EXPECT_THAT(*store_.List("net"), SizeIs(1));
  EXPECT_FALSE(*store_.HasOthers({"net", "pod", "eth0"}));
  EXPECT_TRUE(*store_.HasOthers({"net", "pod", "eth1"}));
}

TEST_F(AttachmentStoreTest, RemovesAHalfWrittenSiblingToo) {
  ASSERT_THAT(store_.Write(MakeAttachment({"net", "pod", "eth0"})), IsOk());
  folder_.Fill({{"attachments/.net@pod@eth0.json.tmp", "{"}, {"attachments/.other.tmp", "{"}});

  ASSERT_THAT(store_.Remove({"net", "pod", "eth0"}), IsOk());

  EXPECT_THAT(*ListDirectory(paths_.attachments()), ElementsAre(".other.tmp"));
}

}  // namespace
}  // namespace trivet::cni
