#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/linux/netlink.h"
#include "common/linux/nftables_rule.h"

/// nftables as this project speaks it: changes of one table of ours are collected in a
/// Transaction and committed as one netlink batch, all or nothing; reading back asks for one table
/// only. No `nft` program, never a listing of other people's tables.
///
/// Bytes are as they lie in a packet (network byte order). Every field of a concatenated key takes
/// a multiple of four bytes: append fields with Concat(). Source: linux/netfilter/nf_tables.h; man
/// 8 nft.
namespace trivet::nft {

struct Table {
  uint8_t family;  // NFPROTO_INET, NFPROTO_IPV4, ...
  std::string name;
};

/// Types of key fields, with nft's numbers, so that `nft list` prints them as people write them.
enum class Type : uint32_t {
  kIpv4Address = 7,
  kIpv6Address = 8,
  kEtherAddress = 9,
  kProtocol = 12,
  kService = 13,
  kMark = 19,
  kInterfaceName = 41,
};

/// What makes a chain a base chain.
struct Hook {
  std::string type = "filter";  // or "nat", "route"
  uint32_t number;              // NF_INET_FORWARD, ...
  int32_t priority;             // lower is earlier; NF_IP_PRI_FILTER is 0
  bool drop = false;            // the policy: what happens to a packet that no rule decided
  friend bool operator==(const Hook&, const Hook&) = default;
};

struct Chain {
  std::string name;
  std::optional<Hook> hook;
  std::string comment;  // at most 127 bytes are kept
};

struct Set {
  std::string name;
  std::vector<Type> key;   // more than one: a concatenation
  bool intervals = false;  // elements are ranges; not for concatenations
  bool verdicts = false;   // a verdict map: every element carries a Verdict
  std::string comment;
  std::vector<Type> value = {};  // not empty: a map, every element carries a value of these fields
};

struct Element {
  Bytes key;
  Bytes last;  // of an interval set: the last key of the range, inclusive; empty: the key alone
  std::optional<Verdict> verdict;
  Bytes value = {};          // of a map
  std::string comment = {};  // at most 250 bytes are kept
  friend auto operator<=>(const Element&, const Element&) = default;
};

/// What becomes of an object that is to be created and exists already.
enum class Existing { kIsError, kIsKept };

/// Appends `field` to a concatenated key, padded to four bytes.
void Concat(Bytes& key, std::string_view field);

/// A field of Type::kInterfaceName. Source: linux/if.h (IFNAMSIZ).
Bytes InterfaceKey(std::string_view name);

/// Changes of one table, in order, that the kernel makes all at once or not at all. Nothing happens
/// before Commit. Not for two threads at once.
class Transaction {
 public:
  explicit Transaction(Table table) : table_(std::move(table)) {}

  void AddTable(Existing existing = Existing::kIsError);
  void DeleteTable();
  /// The table exists and is empty afterwards, whatever was before. What follows in this
  /// transaction fills it: packets meet the old content or the new one, never none.
  void ResetTable();

  void AddChain(const Chain& chain, Existing existing = Existing::kIsError);
  void AddSet(const Set& set, Existing existing = Existing::kIsError);
  void AddRule(std::string_view chain, const Rule& rule);
  /// With its rules. Nothing may refer to it any more.
  void DeleteChain(std::string_view chain);
  void FlushChain(std::string_view chain);
  void DeleteSet(std::string_view set);
  /// As DeleteSet, and a set that has elements fails the transaction (EBUSY).
  void DeleteEmptySet(std::string_view set);

  /// kIsKept: an element that is there with the same verdict or value is no error.
  void AddElements(const Set& set, std::span<const Element> elements,
                   Existing existing = Existing::kIsError);
  /// An absent element fails the transaction (kNotFound).
  void DeleteElements(const Set& set, std::span<const Element> elements);
  /// As DeleteElements, and an absent element is no error. Not for maps.
  void EnsureNoElements(const Set& set, std::span<const Element> elements);

  [[nodiscard]] bool empty() const { return operations_.empty(); }

  /// Makes the changes, in the network namespace of the calling thread. The transaction is spent.
  /// Errors: the first operation the kernel refused, by name, with its errno: "add chain web to
  /// table inet trivet_policy: File exists"; kNotFound for a table, chain, set or element that does
  /// not exist, kAlreadyExists, kPermissionDenied without CAP_NET_ADMIN.
  Result<> Commit() &&;
  /// As Commit, and what is to be removed from a table, chain or set that is gone is removed.
  Result<> CommitIfThere() &&;

 private:
  [[nodiscard]] netlink::Request NewMessage(uint16_t type, uint16_t flags) const;
  void Append(const netlink::Request& message, std::string_view operation);
  void AppendSetDeletion(std::string_view set, uint16_t flags, std::string_view kind);
  void ChangeElements(const Set& set, std::span<const Element> elements, bool add, uint16_t flags);

  Table table_;
  std::vector<std::byte> batch_;
  std::vector<std::string> operations_;  // by sequence number; the error names them
  uint32_t next_set_id_ = 1;
};

/// The elements of one set, in key order; ranges of an interval set are one element each.
/// Errors: kNotFound when the table or the set does not exist.
Result<std::vector<Element>> ReadElements(const Table& table, const Set& set);

/// As ReadElements, and no such table or set has none.
Result<std::vector<Element>> ReadElementsIfThere(const Table& table, const Set& set);

/// The element with that key, however many others there are; none when there is none, or no such
/// set or table. Not for interval sets.
Result<std::optional<Element>> FindElement(const Table& table, const Set& set, const Bytes& key);

/// The names of the table's sets and maps, sorted. Errors: kNotFound when there is no such table.
Result<std::vector<std::string>> ReadSetNames(const Table& table);

/// The rules of each chain, in order, as Rule::Text(); a chain without rules is not among them.
using RuleTexts = std::map<std::string, std::vector<std::string>>;
/// Those of the table, or of one `chain` unless it is empty; an absent table or chain has none.
Result<RuleTexts> ReadRules(const Table& table, const std::string& chain);

/// The chain without its comment; none when there is no such chain or table.
Result<std::optional<Chain>> FindChain(const Table& table, const std::string& name);

/// How many rules each chain of the table has; a chain without rules is not told, an absent table
/// has none.
Result<std::map<std::string, size_t>> ReadRuleCounts(const Table& table);

}  // namespace trivet::nft
