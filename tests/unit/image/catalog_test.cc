#include "cri-runtime/image/catalog.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

const Digest kA = Digest::Of("a");
const Digest kB = Digest::Of("b");

CatalogEntry Entry(const Digest& id, std::vector<std::string> tags) {
  return {.id = id, .manifest = Digest::Of("manifest"), .tags = std::move(tags)};
}

const std::string kOne = "docker.io/library/one:latest";
const std::string kTwo = "docker.io/library/two:latest";

TEST(Catalog, GivesATagToTheImageThatCameLast) {
  Catalog catalog;
  catalog.Put(Entry(kA, {kOne, kTwo}));
  catalog.Put(Entry(kB, {kOne}));

  EXPECT_EQ(catalog.Find("one")->id, kB);
  EXPECT_EQ(catalog.Find("two")->id, kA);
  EXPECT_THAT(catalog.FindId(kA)->tags, ElementsAre(kTwo));
}

TEST(Catalog, CollectsTheNamesOfOneImage) {
  Catalog catalog;
  catalog.Put(Entry(kA, {kTwo}));
  catalog.Put(Entry(kA, {kOne}));

  EXPECT_THAT(catalog.FindId(kA)->tags, ElementsAre(kOne, kTwo));
  EXPECT_EQ(catalog.entries().size(), 1U);
}

TEST(Catalog, FindsByIdInEachForm) {
  Catalog catalog;
  catalog.Put(Entry(kA, {}));

  EXPECT_NE(catalog.Find(kA.text()), nullptr);
  EXPECT_NE(catalog.Find(kA.hex()), nullptr);
  EXPECT_NE(catalog.Find(kA.hex().substr(0, 12)), nullptr);
  EXPECT_EQ(catalog.Find(kB.hex()), nullptr);
  EXPECT_EQ(catalog.Find(""), nullptr);
}

TEST(Catalog, FindsNothingForABeginningThatTwoIdsShare) {
  Catalog catalog;
  for (int i = 0; i < 17; ++i) catalog.Put(Entry(Digest::Of(std::to_string(i)), {}));
  int found = 0;
  for (const char digit : std::string("0123456789abcdef")) {
    found += catalog.Find(std::string(1, digit)) != nullptr ? 1 : 0;
  }

  EXPECT_LT(found, 16);  // 17 ids share 16 first digits
}

TEST(Catalog, TakesANameThatLooksLikeAnIdAsAName) {
  Catalog catalog;
  catalog.Put(Entry(kA, {"docker.io/library/" + kB.hex().substr(0, 6) + ":latest"}));
  catalog.Put(Entry(kB, {}));

  EXPECT_EQ(catalog.Find(kB.hex().substr(0, 6))->id, kA);
}

TEST(Catalog, FindsByRepositoryDigest) {
  Catalog catalog;
  CatalogEntry entry = Entry(kA, {kOne});
  entry.digests = {"docker.io/library/one@" + kB.text()};
  catalog.Put(entry);

  EXPECT_NE(catalog.Find("one@" + kB.text()), nullptr);
  EXPECT_NE(catalog.Find("one:whatever@" + kB.text()), nullptr);
  EXPECT_EQ(catalog.Find("two@" + kB.text()), nullptr);
}

TEST(Catalog, KeepsARemovedImageOutOfSightWhileItIsPinned) {
  Catalog catalog;
  catalog.Put(Entry(kA, {kOne}));
  catalog.MarkRemoved(kA);
  catalog.Prune({kA});

  EXPECT_EQ(catalog.Find("one"), nullptr);
  EXPECT_EQ(catalog.Find(kA.text()), nullptr);
  EXPECT_NE(catalog.FindId(kA), nullptr);
  catalog.Prune({});
  EXPECT_THAT(catalog.entries(), IsEmpty());
}

TEST(Catalog, BringsARemovedImageBackWhenItComesAgain) {
  Catalog catalog;
  catalog.Put(Entry(kA, {kOne}));
  catalog.MarkRemoved(kA);
  catalog.Put(Entry(kA, {kTwo}));

  EXPECT_THAT(catalog.Find("two")->tags, ElementsAre(kTwo));
}

TEST(Catalog, ReadsWhatItWrote) {
  Catalog catalog;
  CatalogEntry entry = Entry(kA, {kOne});
  entry.chain_ids = {kB};
  entry.blob_bytes = 7;
  catalog.Put(entry);

  const auto again = Catalog::Parse(catalog.Write());

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->Write(), catalog.Write());
  EXPECT_EQ(again->FindId(kA)->chain_ids, entry.chain_ids);
}

TEST(Catalog, RefusesANewerVersionAndAMalformedOne) {
  EXPECT_THAT(Catalog::Parse(R"({"version":2,"images":[]})"),
              FailsWith(Code::kFailedPrecondition, "newer"));
  EXPECT_THAT(Catalog::Parse(R"({"version":1})"), FailsWith(Code::kInvalidArgument, "images"));
  EXPECT_THAT(Catalog::Parse(R"({"version":1,"images":[{"id":"x"}]})"),
              FailsWith(Code::kInvalidArgument, "images: id: digest 'x'"));
}

}  // namespace
}  // namespace trivet::image
