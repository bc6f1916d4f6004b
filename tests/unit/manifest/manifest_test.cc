#include "common/manifest/manifest.h"

#include <sys/stat.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::manifest {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::TempDirectory;

constexpr std::string_view kPod = R"(
apiVersion: v1
kind: Pod
metadata:
  name: notes
spec:
  hostNetwork: false
  priority: 7
  note: "7"
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
)";

TEST(ManifestParse, KeepsTypesAndQuotedStrings) {
  const auto documents = *Parse(kPod, "pod.yaml");
  ASSERT_EQ(documents.size(), 2U);
  const json::Value& spec = documents[0].object["spec"];
  EXPECT_EQ(spec["hostNetwork"], false);
  EXPECT_EQ(spec["priority"], 7);
  EXPECT_EQ(spec["note"], "7");
  EXPECT_EQ(documents[1].Kind(), "Namespace");
}

struct BadManifest {
  const char* name;
  const char* text;
  const char* complaint;
};
class RejectedManifest : public ::testing::TestWithParam<BadManifest> {};

TEST_P(RejectedManifest, IsRefusedWithFileLineAndField) {
  EXPECT_THAT(Parse(GetParam().text, "bad.yaml"),
              FailsWith(Code::kInvalidArgument, GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, RejectedManifest,
    ::testing::Values(
        BadManifest{"Syntax", "kind: [Pod", "bad.yaml:"},
        BadManifest{"NoKind", "apiVersion: v1", "bad.yaml:1: kind: missing"},
        BadManifest{"NoName", "apiVersion: v1\nkind: Pod\nmetadata: {}", "metadata: name: missing"},
        BadManifest{"KeyTwice", "apiVersion: v1\nkind: Pod\nkind: Pod",
                    "bad.yaml:3: kind: given twice"},
        BadManifest{"ItemsAreAText", "apiVersion: v1\nkind: List\nitems: x",
                    "bad.yaml:1: items: not a list"},
        BadManifest{"ListInAList",
                    "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List}]",
                    "bad.yaml:1: items[0]: a list in a list"},
        BadManifest{"MergeKey", "a: &a {b: c}\nmetadata:\n  <<: *a",
                    "bad.yaml:3: metadata.<<: merge keys are not allowed"},
        BadManifest{"ItemsAreAnObject", "apiVersion: v1\nkind: List\nitems: {a: b}",
                    "bad.yaml:1: items: not a list"},
        BadManifest{"Scalar", "hello", "not a Kubernetes object"},
        BadManifest{"Tag", "apiVersion: !!binary aGk=", "tags are not allowed"}),
    [](const auto& row) { return row.param.name; });

TEST(ManifestParse, StopsAliasesThatGrowWithoutEnd) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    text += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 10; ++j) text += fmt::format("*a{}, ", i - 1);
    text += "]\n";
  }
  EXPECT_THAT(Parse(text, "bomb.yaml"), FailsWith(Code::kInvalidArgument, "too many values"));
}

TEST(ManifestParse, RefusesATokenBetweenDocumentsInsteadOfReadingForEver) {
  for (const char* text : {",", "{\"a\": 1},\n", "--- {a: 1}\n,\n--- {b: 1}\n"}) {
    EXPECT_THAT(Parse(text, "m.json"), FailsWith(Code::kInvalidArgument, "m.json:")) << text;
  }
}

TEST(ManifestParse, PassesOverEmptyDocuments) {
  const auto documents = Parse("---\n---\n" + std::string(kPod) + "...\n---\n---\n", "pod.yaml");

  ASSERT_TRUE(documents.has_value());
  EXPECT_EQ(documents->size(), 2U);
}

TEST(ManifestLoad, ReadsAFolderInNameOrder) {
  const TempDirectory directory;
  directory.Fill({{"2.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: b}}"},
                  {"1.json", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})"},
                  {"README.md", "not a manifest"}});
  const auto documents = *Load(directory.path());
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_EQ(documents[0].object["metadata"]["name"], "a");
}

TEST(ManifestLoad, WaitsForNoPipeInAFolder) {
  const TempDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "a.yaml").c_str(), 0600), 0);
  EXPECT_THAT(Load(directory.path()), FailsWith(Code::kFailedPrecondition, "a.yaml: not a"));
}

TEST(ManifestLoad, SaysWhichFileIsMissing) {
  EXPECT_THAT(Load("/nonexistent.yaml"), FailsWith(Code::kNotFound, "/nonexistent.yaml"));
}

}  // namespace
}  // namespace trivet::manifest
