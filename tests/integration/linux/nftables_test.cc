#include "common/linux/nftables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "common/base/unique_fd.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet::nft {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

const Table kTable{NFPROTO_INET, "trivet_test"};
const Set kAddresses{.name = "addresses", .key = {Type::kIpv4Address}};
const Set kRanges{.name = "ranges", .key = {Type::kIpv4Address}, .intervals = true};
const Set kVerdicts{.name = "verdicts", .key = {Type::kIpv4Address}, .verdicts = true};
const Set kServices{.name = "services",
                    .key = {Type::kIpv6Address, Type::kProtocol, Type::kService}};

Bytes Ip(const char* text) {
  Bytes bytes(4, '\0');
  EXPECT_EQ(::inet_pton(AF_INET, text, bytes.data()), 1);
  return bytes;
}

Element Range(const char* first, const char* last) {
  return {.key = Ip(first), .last = Ip(last)};
}

class NftablesTest : public testing::NamespaceTest {
 protected:
  static Result<> Create(const std::function<void(Transaction&)>& fill) {
    Transaction transaction(kTable);
    transaction.AddTable(Existing::kIsKept);
    fill(transaction);
    return std::move(transaction).Commit();
  }
  // Whether a datagram to this address and port of the loopback is accepted by the output hook.
  static bool CanSend(uint16_t port) {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::sendto(socket.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 1;
  }
};

TEST_F(NftablesTest, AnEmptyTransactionIsSuccess) {
  EXPECT_THAT(Transaction(kTable).Commit(), IsOk());
}

TEST_F(NftablesTest, ReadsBackTheElementsOfASet) {
  const std::vector<Element> elements{{.key = Ip("10.0.0.2")}, {.key = Ip("10.0.0.1")}};

  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kAddresses);
                t.AddElements(kAddresses, elements);
              }),
              IsOk());

  const auto read = ReadElements(kTable, kAddresses);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, ElementsAre(elements[1], elements[0]));
}

TEST_F(NftablesTest, ReadsBackRangesUpToTheLastAddress) {
  const std::vector<Element> ranges{Range("10.0.0.0", "10.0.0.255"), Range("10.0.1.0", "10.0.1.7"),
                                    Range("240.0.0.0", "255.255.255.255")};

  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kRanges);
                t.AddElements(kRanges, ranges);
              }),
              IsOk());

  const auto read = ReadElements(kTable, kRanges);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, ranges);
}

TEST_F(NftablesTest, ReadsBackVerdictsAndConcatenatedKeys) {
  Bytes key;
  Concat(key, Bytes(16, '\x20'));
  Concat(key, Bytes(1, IPPROTO_TCP));
  Concat(key, Bytes("\x00\x50", 2));
  const Element jump{.key = Ip("10.0.0.1"), .verdict = Verdict{NFT_GOTO, "web"}};
  const Element service{.key = key};

  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddChain({.name = "web"});
                t.AddSet(kVerdicts);
                t.AddSet(kServices);
                t.AddElements(kVerdicts, std::array{jump});
                t.AddElements(kServices, std::array{service});
              }),
              IsOk());

  EXPECT_THAT(*ReadElements(kTable, kVerdicts), ElementsAre(jump));
  EXPECT_THAT(*ReadElements(kTable, kServices), ElementsAre(service));
  EXPECT_THAT(*ReadSetNames(kTable), ElementsAre("services", "verdicts"));
}

TEST_F(NftablesTest, ReadsBackTheValuesAndOwnersOfAMapAndFindsOneOfThem) {
  const Set map{.name = "targets",
                .key = {Type::kIpv4Address},
                .value = {Type::kIpv4Address, Type::kService}};
  Element first{.key = Ip("10.0.0.1"), .comment = "whose"};
  Concat(first.value, Ip("192.0.2.1"));
  Concat(first.value, Bytes("\x00\x50", 2));
  Element second = first;
  second.key = Ip("10.0.0.2");
  second.comment = std::string(250, 'x');
  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(map);
                t.AddElements(map, std::array{first, second});
              }),
              IsOk());

  EXPECT_THAT(*ReadElements(kTable, map), ElementsAre(first, second));
  EXPECT_EQ(*FindElement(kTable, map, second.key), second);
  EXPECT_EQ(*FindElement(kTable, map, Ip("10.0.0.3")), std::nullopt);
  EXPECT_EQ(*FindElement({NFPROTO_INET, "nowhere"}, map, first.key), std::nullopt);
}

TEST_F(NftablesTest, DeletesASetThatMustBeEmptyOnlyThen) {
  const Element element{.key = Ip("10.0.0.1")};
  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kAddresses);
                t.AddElements(kAddresses, std::array{element});
              }),
              IsOk());
  const auto remove = [&] { return Create([](Transaction& t) { t.DeleteEmptySet("addresses"); }); };

  EXPECT_EQ(remove().error().sys_errno(), EBUSY);
  ASSERT_THAT(Create([&](Transaction& t) { t.DeleteElements(kAddresses, std::array{element}); }),
              IsOk());
  EXPECT_THAT(remove(), IsOk());
}

TEST_F(NftablesTest, AppliesNothingWhenOneOperationIsRefusedAndNamesIt) {
  const auto result = Create([](Transaction& t) {
    t.AddSet(kAddresses);
    t.AddChain({.name = "web"});
    t.AddRule("nowhere", Rule().Counter());
    t.AddChain({.name = "web"});
  });

  EXPECT_THAT(result, FailsWith(Code::kNotFound, "add rule to chain nowhere of table trivet_test"));
  EXPECT_EQ(result.error().sys_errno(), ENOENT);
  EXPECT_THAT(ReadSetNames(kTable), FailsWith(Code::kNotFound, "trivet_test"));
}

TEST_F(NftablesTest, AnElementThatExistsIsAnErrorUnlessItMayBeKept) {
  const std::array one{Element{.key = Ip("10.0.0.1")}};
  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kAddresses);
                t.AddElements(kAddresses, one);
              }),
              IsOk());

  EXPECT_THAT(Create([&](Transaction& t) { t.AddElements(kAddresses, one); }),
              FailsWith(Code::kAlreadyExists, "set addresses"));
  EXPECT_THAT(Create([&](Transaction& t) { t.AddElements(kAddresses, one, Existing::kIsKept); }),
              IsOk());
}

TEST_F(NftablesTest, DeletingAnAbsentElementIsNotFoundUnlessEnsured) {
  const std::array one{Element{.key = Ip("10.0.0.1")}};
  ASSERT_THAT(Create([&](Transaction& t) { t.AddSet(kAddresses); }), IsOk());

  EXPECT_THAT(Create([&](Transaction& t) { t.DeleteElements(kAddresses, one); }),
              FailsWith(Code::kNotFound, "delete 1 element from set addresses"));
  EXPECT_THAT(Create([&](Transaction& t) { t.EnsureNoElements(kAddresses, one); }), IsOk());
  EXPECT_THAT(*ReadElements(kTable, kAddresses), IsEmpty());
}

TEST_F(NftablesTest, AVerdictIsReplacedWithinOneTransaction) {
  const Element before{.key = Ip("10.0.0.1"), .verdict = Verdict{NFT_GOTO, "old"}};
  const Element after{.key = Ip("10.0.0.1"), .verdict = Verdict{NFT_GOTO, "new"}};
  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kVerdicts);
                t.AddChain({.name = "old"});
                t.AddRule("old", Rule().Decide({NF_DROP, ""}));
                t.AddElements(kVerdicts, std::array{before});
              }),
              IsOk());

  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddChain({.name = "new"});
                t.AddRule("new", Rule().Counter().Decide({NFT_RETURN, ""}));
                t.DeleteElements(kVerdicts, std::array{before});
                t.AddElements(kVerdicts, std::array{after});
                t.DeleteChain("old");
              }),
              IsOk());

  EXPECT_THAT(*ReadElements(kTable, kVerdicts), ElementsAre(after));
  EXPECT_EQ(*ReadRuleCounts(kTable), (std::map<std::string, size_t>{{"new", 1}}));
}

TEST_F(NftablesTest, ResettingATableWorksWithAndWithoutOne) {
  auto reset = [](const Set& set) {
    Transaction transaction(kTable);
    transaction.ResetTable();
    transaction.AddSet(set);
    return std::move(transaction).Commit();
  };

  ASSERT_THAT(reset(kAddresses), IsOk());
  ASSERT_THAT(reset(kRanges), IsOk());

  EXPECT_THAT(*ReadSetNames(kTable), ElementsAre("ranges"));
}

TEST_F(NftablesTest, CommitsAHundredThousandElementsAtOnce) {
  std::vector<Element> elements;
  for (uint32_t i = 0; i < 100'000; ++i) {
    const uint32_t address = htonl(0x0a000000U + i);
    elements.push_back({.key = Bytes(reinterpret_cast<const char*>(&address), sizeof address)});
  }

  ASSERT_THAT(Create([&](Transaction& t) {
                t.AddSet(kAddresses);
                t.AddElements(kAddresses, elements);
              }),
              IsOk());

  EXPECT_THAT(*ReadElements(kTable, kAddresses), SizeIs(100'000));
}

TEST_F(NftablesTest, RulesDecideByConnectionTupleThroughAVerdictMap) {
  ASSERT_THAT(
      Create([](Transaction& t) {
        t.AddSet(kVerdicts);
        t.AddChain({.name = "closed"});
        t.AddRule("closed", Rule()
                                .Ct(NFT_CT_PROTOCOL)
                                .Equal(Bytes(1, IPPROTO_UDP))
                                .CtTuple(NFT_CT_PROTO_SRC, IP_CT_DIR_REPLY)
                                .Equal(Bytes("\x1f\x90", 2))
                                .Counter()
                                .Decide({NF_DROP, ""})
                                .Comment("port 8080"));
        t.AddElements(kVerdicts, std::array{Element{.key = Ip("127.0.0.1"),
                                                    .verdict = Verdict{NFT_GOTO, "closed"}}});
        t.AddChain({.name = "output", .hook = Hook{.number = NF_INET_LOCAL_OUT, .priority = 0}});
        t.AddRule("output",
                  Rule().CtTuple(NFT_CT_DST_IP, IP_CT_DIR_ORIGINAL).LookupVerdict("verdicts"));
      }),
      IsOk());

  EXPECT_FALSE(CanSend(8080));  // a drop at the output hook is EPERM
  EXPECT_TRUE(CanSend(8081));
}

TEST_F(NftablesTest, AcceptsEveryExpressionOfTheBuilder) {
  EXPECT_THAT(
      Create([](Transaction& t) {
        t.AddSet(kAddresses);
        t.AddSet(kRanges);
        t.AddChain({.name = "all", .comment = "of the builder"});
        t.AddRule("all", Rule()
                             .Meta(NFT_META_NFPROTO)
                             .Equal(Bytes(1, NFPROTO_IPV4))
                             .Payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4)
                             .Bitwise(Ip("255.255.255.0"), Ip("0.0.0.0"))
                             .NotEqual(Ip("10.0.0.0"))
                             .Lookup("addresses")
                             .LookupNot("ranges")
                             .LimitPerSecond(10, 5)
                             .Log(100, "trivet ")
                             .Counter()
                             .Decide({NF_ACCEPT, ""}));
        t.AddChain({.name = "nat",
                    .hook = Hook{.type = "nat", .number = NF_INET_POST_ROUTING, .priority = 100}});
        t.AddRule(
            "nat",
            Rule().CtTuple(NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL).Lookup("addresses").Masquerade());
      }),
      IsOk());
}

TEST_F(NftablesTest, FlushingAChainKeepsIt) {
  ASSERT_THAT(Create([](Transaction& t) {
                t.AddChain({.name = "web"});
                t.AddRule("web", Rule().Counter());
              }),
              IsOk());

  ASSERT_THAT(Create([](Transaction& t) {
                t.FlushChain("web");
                t.AddRule("web", Rule().Counter());
                t.AddRule("web", Rule().Counter());
              }),
              IsOk());

  EXPECT_EQ(ReadRuleCounts(kTable)->at("web"), 2U);
}

}  // namespace
}  // namespace trivet::nft
