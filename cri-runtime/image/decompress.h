#pragma once

#include <memory>

#include "common/base/error.h"
#include "cri-runtime/image/byte_stream.h"

namespace trivet::image {

enum class Compression { kNone, kGzip, kZstd };

/// What the first bytes of a file say it is.
Compression SniffCompression(std::string_view first_bytes);

/// The unpacked form of `input`, which is borrowed.
/// Errors: kInvalidArgument when `input` is not of that compression.
Result<std::unique_ptr<ByteStream>> Decompress(ByteStream& input, Compression compression);

}  // namespace trivet::image
