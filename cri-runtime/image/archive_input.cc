#include "cri-runtime/image/archive_input.h"

#include <archive.h>

#include <new>

namespace trivet::image {

ArchiveInput::ArchiveInput(ByteStream& input) : input_(input), archive_(archive_read_new()) {
  if (archive_ == nullptr) throw std::bad_alloc();
}

ArchiveInput::~ArchiveInput() {
  archive_read_free(archive_);
}

Result<> ArchiveInput::Open() {
  if (archive_read_open(archive_, this, nullptr, ReadChunk, nullptr) != ARCHIVE_OK) {
    return Failure();
  }
  return {};
}

std::unexpected<Error> ArchiveInput::Failure() const {
  if (failure_) return std::unexpected(*failure_);
  const char* text = archive_error_string(archive_);
  return Fail(Code::kInvalidArgument, "{}", text == nullptr ? "malformed" : text);
}

ssize_t ArchiveInput::ReadChunk(archive* archive, void* self, const void** buffer) {
  auto* input = static_cast<ArchiveInput*>(self);
  auto chunk = input->input_.Read();
  if (!chunk) {
    archive_set_error(archive, chunk.error().sys_errno(), "%s", chunk.error().message().c_str());
    input->failure_ = std::move(chunk).error();
    return -1;
  }
  *buffer = chunk->data();
  return static_cast<ssize_t>(chunk->size());
}

}  // namespace trivet::image
