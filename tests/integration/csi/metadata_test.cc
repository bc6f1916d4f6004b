// SnapshotMetadata: what it says against the bytes themselves.

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <random>

#include "common/linux/file.h"
#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;  // offset, size
constexpr size_t kPiece = 4096;

class BlockMetadata : public CopyTest {
 protected:
  template <class Response>
  static Ranges Drain(grpc::ClientReaderInterface<Response>& reader, int32_t most,
                      grpc::StatusCode& code) {
    Ranges ranges;
    Response response;
    while (reader.Read(&response)) {
      EXPECT_EQ(response.volume_capacity_bytes(), kBlock.bytes);
      EXPECT_TRUE(most == 0 || response.block_metadata_size() <= most);
      for (const auto& one : response.block_metadata()) {
        EXPECT_TRUE(ranges.empty() ||
                    one.byte_offset() >= ranges.back().first + ranges.back().second);
        ranges.emplace_back(one.byte_offset(), one.size_bytes());
      }
    }
    code = reader.Finish().error_code();
    return ranges;
  }
  Ranges Delta(const std::string& base, const std::string& target, int64_t offset = 0,
               int32_t most = 0) {
    Context context;
    ::csi::v1::GetMetadataDeltaRequest request;
    request.set_base_snapshot_id(base);
    request.set_target_snapshot_id(target);
    request.set_starting_offset(offset);
    request.set_max_results(most);
    return Drain(*metadata().GetMetadataDelta(&context, request), most, code_);
  }
  Ranges Allocated(const std::string& id, int64_t offset = 0) {
    Context context;
    ::csi::v1::GetMetadataAllocatedRequest request;
    request.set_snapshot_id(id);
    request.set_starting_offset(offset);
    return Drain(*metadata().GetMetadataAllocated(&context, request), 0, code_);
  }

  grpc::StatusCode code_ = grpc::OK;
};

void WriteAt(const UniqueFd& device, uint64_t piece, char fill) {
  const std::string data(kPiece, fill);
  ASSERT_EQ(::pwrite(device.get(), data.data(), kPiece, static_cast<off_t>(piece * kPiece)),
            ssize_t{kPiece});
}

bool Contains(const Ranges& ranges, size_t offset) {
  const auto at = static_cast<int64_t>(offset);
  return std::ranges::any_of(ranges, [&](const auto& range) {
    return range.first <= at && at < range.first + range.second;
  });
}

int64_t Sum(const Ranges& ranges) {
  int64_t sum = 0;
  for (const auto& [offset, bytes] : ranges) sum += bytes;
  return sum;
}

TEST_F(BlockMetadata, LeavesOutNothingThatDiffers) {
  const std::string volume = Created("one", kBlock);
  Use(volume, kBlock, "t");
  UniqueFd device(::open(Path("t").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(device.valid());
  std::mt19937 random(7);  // NOLINT: the same pieces each time
  const auto pieces = static_cast<uint64_t>(kBlock.bytes) / kPiece;
  for (int i = 0; i < 300; ++i) WriteAt(device, random() % pieces, 'a');
  const std::string base = Cut(volume, "base");
  for (int i = 0; i < 200; ++i) WriteAt(device, random() % pieces, 'b');
  const uint64_t zeroed[2] = {8 << 20, 4 << 20};  // a written piece that is discarded is a change
  WriteAt(device, zeroed[0] / kPiece, 'c');
  ASSERT_EQ(::fsync(device.get()), 0);
  ASSERT_EQ(::ioctl(device.get(), BLKDISCARD, zeroed), 0);
  device.reset();
  const std::string target = Cut(volume, "target");

  const std::string old_bytes = ReadFile(ImageOf(base), kBlock.bytes).value_or("");
  const std::string new_bytes = ReadFile(ImageOf(target), kBlock.bytes).value_or("");
  ASSERT_EQ(new_bytes.size(), static_cast<size_t>(kBlock.bytes));
  const Ranges delta = Delta(base, target);
  ASSERT_EQ(code_, grpc::OK);
  const Ranges allocated = Allocated(target);
  int64_t differing = 0;
  for (size_t at = 0; at < new_bytes.size(); at += kPiece) {
    const bool differs = old_bytes.compare(at, kPiece, new_bytes, at, kPiece) != 0;
    differing += differs ? int64_t{kPiece} : 0;
    if (differs) {
      EXPECT_TRUE(Contains(delta, at)) << at;
    }
    if (new_bytes.compare(at, kPiece, std::string(kPiece, '\0')) != 0) {
      EXPECT_TRUE(Contains(allocated, at)) << at;
    }
  }
  EXPECT_GT(differing, int64_t{100 * kPiece});
  EXPECT_LT(Sum(delta), 2 * differing) << "it says much more than it knows";
  EXPECT_LT(Sum(allocated), kBlock.bytes / 4);
  Leave(volume, "t");
}

TEST_F(BlockMetadata, GoesOnWhereItWasInterrupted) {
  const std::string volume = Created("one", kBlock);
  Use(volume, kBlock, "t");
  const std::string base = Cut(volume, "base");
  {
    const UniqueFd device(::open(Path("t").c_str(), O_RDWR | O_CLOEXEC));
    for (uint64_t i = 0; i < 20; ++i) WriteAt(device, 10 * i, 'x');
    ASSERT_EQ(::fsync(device.get()), 0);
  }
  const std::string target = Cut(volume, "target");
  const Ranges all = Delta(base, target, 0, 3);
  ASSERT_EQ(all.size(), 20U);

  EXPECT_EQ(Delta(base, target, all[7].first), Ranges(all.begin() + 7, all.end()));
  EXPECT_EQ(Allocated(target, all[19].first), Ranges(all.end() - 1, all.end()));
  EXPECT_TRUE(Delta(base, target, kBlock.bytes).empty());
  EXPECT_EQ(code_, grpc::OK);
  EXPECT_TRUE(Delta(target, target).empty());
  Leave(volume, "t");
}

TEST_F(BlockMetadata, RefusesWhatItCannotAnswer) {
  const std::string one = Cut(Created("one", kBlock), "one");
  const std::string two = Cut(Created("two", kBlock), "two");

  Allocated("unknown");
  EXPECT_EQ(code_, grpc::NOT_FOUND);
  Allocated("");
  EXPECT_EQ(code_, grpc::INVALID_ARGUMENT);
  Allocated(one, -1);
  EXPECT_EQ(code_, grpc::OUT_OF_RANGE);
  Allocated(one, kBlock.bytes + 1);
  EXPECT_EQ(code_, grpc::OUT_OF_RANGE);
  Delta(one, two);
  EXPECT_EQ(code_, grpc::INVALID_ARGUMENT);
  Delta(one, "unknown");
  EXPECT_EQ(code_, grpc::NOT_FOUND);
}

}  // namespace
}  // namespace trivet::csi
