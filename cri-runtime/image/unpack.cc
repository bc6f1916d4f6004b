#include "cri-runtime/image/unpack.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "cri-runtime/image/byte_stream.h"
#include "cri-runtime/image/decompress.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

// Ends a stream that unpacks to too much: absolutely, or compared with what it came from.
class LimitedStream : public ByteStream {
 public:
  LimitedStream(ByteStream& inner, const HashingStream& compressed, uint64_t allowance_bytes,
                const Limits& limits)
      : inner_(inner),
        compressed_(compressed),
        allowance_bytes_(allowance_bytes),
        limits_(limits) {}

  Result<std::string_view> Read() override {
    ASSIGN_OR_RETURN(const std::string_view chunk, inner_.Read());
    passed_bytes_ += chunk.size();
    if (passed_bytes_ > allowance_bytes_) {
      return Fail(Code::kResourceExhausted,
                  "the image unpacks to more than {} bytes (imageBytesLimit)",
                  limits_.unpacked_bytes);
    }
    if (passed_bytes_ > limits_.ratio_free_bytes &&
        passed_bytes_ / limits_.ratio > compressed_.passed_bytes()) {
      return Fail(Code::kResourceExhausted,
                  "unpacks to more than {} times its size (imageRatioLimit)", limits_.ratio);
    }
    return chunk;
  }

 private:
  ByteStream& inner_;
  const HashingStream& compressed_;
  uint64_t allowance_bytes_;
  const Limits& limits_;
  uint64_t passed_bytes_ = 0;
};

std::string_view Name(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
    case Compression::kNone:
      break;
  }
  return "not compressed in a known way";
}

Result<Compression> CheckCompression(const LayerJob& job) {
  char first[4] = {};
  const ssize_t n = ::pread(job.blob_fd, first, sizeof first, 0);
  if (n < 0) return FailErrno("read");
  const Compression found = SniffCompression({first, static_cast<size_t>(n)});
  const Compression declared = job.layer.media == Media::kLayerGzip   ? Compression::kGzip
                               : job.layer.media == Media::kLayerZstd ? Compression::kZstd
                                                                      : Compression::kNone;
  if (found != declared) {
    return Fail(Code::kInvalidArgument, "media type {}, but the content is {}",
                job.layer.media_type, Name(found));
  }
  return found;
}

Result<> CheckDigest(HashingStream& stream, const Digest& wanted, std::string_view what) {
  const Digest found = stream.Finish();
  if (found == wanted) return {};
  return Fail(Code::kDataLoss, "{}: content has {}", what, found.text());
}

struct Pipeline {
  HashingStream& compressed;
  HashingStream& unpacked;
};

// Whoever wonders where the container's libraries are finds it here.
void WarnOfHiddenLink(const LayerJob& job, const std::string& path) {
  if (path.empty()) return;
  spdlog::warn("a folder hides a symbolic link of a layer below layer={} path='{}'",
               job.layer.digest.text(), Printable(path));
}

Result<LayerFacts> UnpackTar(const LayerJob& job, const Limits& limits, Pipeline pipeline) {
  TarReader tar(pipeline.unpacked);
  RETURN_IF_ERROR(tar.Open());
  ASSIGN_OR_RETURN(TreeWriter tree, TreeWriter::Open(job.root, job.lower, limits));
  ASSIGN_OR_RETURN(const uint64_t content_bytes,
                   UnpackEntries(tar, tree, limits, job.allowance_bytes));
  RETURN_IF_ERROR(Drain(pipeline.unpacked));  // what is behind the end mark belongs to the diff-id
  RETURN_IF_ERROR(Drain(pipeline.compressed));
  WarnOfHiddenLink(job, tree.hidden_link());
  return LayerFacts{.disk_bytes = tree.disk_bytes(),
                    .inodes = tree.inodes(),
                    .unpacked_bytes = std::max(content_bytes, pipeline.unpacked.passed_bytes())};
}

Result<LayerFacts> UnpackVerified(const LayerJob& job, const Limits& limits,
                                  HashingStream& compressed) {
  ASSIGN_OR_RETURN(const Compression compression, CheckCompression(job));
  ASSIGN_OR_RETURN(const auto plain, Decompress(compressed, compression));
  LimitedStream limited(*plain, compressed, job.allowance_bytes, limits);
  HashingStream unpacked(limited);
  ASSIGN_OR_RETURN(const LayerFacts facts, UnpackTar(job, limits, {compressed, unpacked}));
  RETURN_IF_ERROR(CheckDigest(compressed, job.layer.digest, "digest differs"));
  RETURN_IF_ERROR(
      CheckDigest(unpacked, job.diff_id, fmt::format("diff-id {} differs", job.diff_id.text())));
  return facts;
}

}  // namespace

Result<LayerFacts> UnpackLayer(const LayerJob& job, const Limits& limits) {
  FileStream file(job.blob_fd, "layer");
  HashingStream compressed(file);
  auto facts = UnpackVerified(job, limits, compressed);
  if (facts || facts.error().code() != Code::kInvalidArgument) return facts;

  // Damaged on the way is the better explanation, when it is the case.
  if (Drain(compressed))
    RETURN_IF_ERROR(CheckDigest(compressed, job.layer.digest, "digest differs"));
  return facts;
}

}  // namespace trivet::image
