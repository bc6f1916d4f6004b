#include "ctl/node/policy_folder.h"

#include "common/manifest/manifest.h"
#include "netpolicy/watch/folder.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;
using trivet::testing::TempDirectory;

json::Value Manifest(std::string_view text) {
  return manifest::Parse(text, "m.yaml").value().front().object;
}

Record Pod() {
  return {.kind = Record::Kind::kPod,
          .name_space = "n",
          .name = "p",
          .uid = "u",
          .manifest = Manifest("apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\n"
                               "spec: {containers: [{name: c, image: i}]}\n"
                               "status: {phase: Failed, podIP: 192.0.2.1}\n")};
}

Record Namespace() {
  return {.kind = Record::Kind::kNamespace,
          .name = "n",
          .uid = "v",
          .manifest =
              Manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {t: x}}\n")};
}

Record Policy() {
  return {.kind = Record::Kind::kPolicy,
          .name_space = "n",
          .name = "deny",
          .uid = "w",
          .manifest = Manifest("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                               "metadata: {name: deny}\nspec: {podSelector: {}}\n")};
}

// What the agent makes of the folder.
netpolicy::Cluster Seen(const TempDirectory& folder) {
  auto source = netpolicy::FolderSource::Open({folder.path()});
  EXPECT_THAT(source, IsOk());
  EXPECT_THAT((*source)->Refresh(), IsOk());
  EXPECT_TRUE((*source)->complete());
  EXPECT_THAT((*source)->complaints(), IsEmpty());
  return (*source)->cluster();
}

TEST(PolicyFolder, ShowsTheObjectWithItsNamespaceAndUid) {
  const TempDirectory folder;
  const PolicyFolder policies(folder.path());
  ASSERT_THAT(policies.Put(Pod()), IsOk());

  const auto documents = manifest::Load(folder.path());
  ASSERT_THAT(documents, IsOk());
  ASSERT_THAT(*documents, SizeIs(1));
  EXPECT_EQ(documents->front().object["metadata"]["namespace"], "n");
  EXPECT_EQ(documents->front().object["metadata"]["uid"], "u");

  EXPECT_THAT(policies.Remove(Pod()), IsOk());
  EXPECT_THAT(policies.Remove(Pod()), IsOk());
  EXPECT_THAT(*manifest::Load(folder.path()), IsEmpty());
}

TEST(PolicyFolder, IsWhatTheAgentReads) {
  const TempDirectory folder;
  const PolicyFolder policies(folder.path());
  ASSERT_THAT(policies.Put(Namespace()), IsOk());
  ASSERT_THAT(policies.Put(Policy()), IsOk());
  ASSERT_THAT(policies.Put(Pod(), {"10.88.0.5", "fd00::5"}), IsOk());

  const netpolicy::Cluster cluster = Seen(folder);
  EXPECT_THAT(
      cluster.namespaces,
      ElementsAre(Pair(
          "n", UnorderedElementsAre(Pair("t", "x"), Pair("kubernetes.io/metadata.name", "n")))));
  EXPECT_TRUE(cluster.policies.at({"n", "deny"}).isolates_ingress);
  const netpolicy::Pod& pod = cluster.pods.at({"n", "p"});
  EXPECT_EQ(pod.uid, "u");
  EXPECT_THAT(pod.labels, ElementsAre(Pair("a", "b")));
  ASSERT_THAT(pod.addresses, SizeIs(2));
  EXPECT_EQ(pod.addresses[0].ToString(), "10.88.0.5");
  EXPECT_EQ(pod.addresses[1].ToString(), "fd00::5");
}

TEST(PolicyFolder, ForgetsTheStatusThatTheManifestHadElsewhere) {
  const TempDirectory folder;
  ASSERT_THAT(PolicyFolder(folder.path()).Put(Pod()), IsOk());
  const netpolicy::Cluster cluster = Seen(folder);
  EXPECT_THAT(cluster.pods.at({"n", "p"}).addresses, IsEmpty());
  EXPECT_FALSE(cluster.pods.at({"n", "p"}).finished);
}

TEST(PolicyFolder, DoesNotWakeTheAgentWhenNothingChanged) {
  const TempDirectory folder;
  const PolicyFolder policies(folder.path());
  ASSERT_THAT(policies.Put(Pod(), {"10.88.0.5"}), IsOk());
  auto source = netpolicy::FolderSource::Open({folder.path()});
  ASSERT_THAT(source, IsOk());
  ASSERT_THAT((*source)->Refresh(), IsOk());

  ASSERT_THAT(policies.Put(Pod(), {"10.88.0.5"}), IsOk());
  EXPECT_FALSE((*source)->Refresh().value());
  ASSERT_THAT(policies.Put(Pod()), IsOk());
  EXPECT_TRUE((*source)->Refresh().value());
}

TEST(PolicyFolder, TakesNoClaims) {
  const TempDirectory folder;
  const Record claim{.kind = Record::Kind::kClaim, .name_space = "n", .name = "c"};
  EXPECT_THAT(PolicyFolder(folder.path()).Put(claim), FailsWith(Code::kInternal, "claim n/c"));
}

}  // namespace
}  // namespace trivet::ctl
