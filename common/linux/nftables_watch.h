#pragma once

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/nftables.h"

namespace trivet::nft {

/// Tells when one table, or anything in it, is changed by whomever: also by this process.
/// Source: NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h.
class TableWatch {
 public:
  /// Of the network namespace of the calling thread.
  static Result<TableWatch> Open(Table table);

  /// Readable when TakeChanges() has something to look at, perhaps of another table. Borrowed.
  [[nodiscard]] int event_fd() const { return fd_.get(); }
  /// Forgets what has happened; true when some of it was in the table, or may have been.
  Result<bool> TakeChanges();

 private:
  TableWatch(UniqueFd fd, Table table) : fd_(std::move(fd)), table_(std::move(table)) {}
  [[nodiscard]] bool IsOfTable(const void* message) const;

  UniqueFd fd_;
  Table table_;
};

}  // namespace trivet::nft
