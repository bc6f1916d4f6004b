#include "shim/log_writer.h"

#include <algorithm>
#include <cstring>

namespace trivet::shim {

// Lines on their way to one writev. All lines of one read share its time, so two headers serve all.
struct LogWriter::Batch {
  Batch(LogFile& log, LogStream stream, int64_t time_ns)
      : file(log), full(time_ns, stream, false), partial(time_ns, stream, true) {}
  ~Batch() { Flush(); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void Push(std::string_view piece) {
    if (piece.empty()) return;
    pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  void Flush() {
    file.Write({pieces.data(), count});
    count = 0;
  }

  static constexpr size_t kPieces = 128;
  static constexpr size_t kPiecesPerLine = 4;
  LogFile& file;
  LogLineHeader full;
  LogLineHeader partial;
  std::array<iovec, kPieces> pieces;
  size_t count = 0;
};

// A line is its kept start, if any, and `text`.
void LogWriter::Add(Batch& batch, std::string_view text, bool is_partial) {
  if (batch.count + Batch::kPiecesPerLine > Batch::kPieces) batch.Flush();
  batch.Push((is_partial ? batch.partial : batch.full).text());
  batch.Push({start_.data(), start_size_});
  batch.Push(text);
  batch.Push("\n");
  if (start_size_ > 0) batch.Flush();  // before the start is used for another line
  start_size_ = 0;
}

void LogWriter::Keep(std::string_view text) {
  std::memcpy(start_.data() + start_size_, text.data(), text.size());
  start_size_ += text.size();
}

void LogWriter::Take(std::string_view text, int64_t time_ns) {
  Batch batch(file_, stream_, time_ns);
  while (!text.empty()) {
    const size_t room = kMaxLineBytes - start_size_;
    const size_t end = text.find('\n');
    if (end == std::string_view::npos && text.size() < room) return Keep(text);
    const bool is_partial = end == std::string_view::npos || end > room;
    const size_t size = is_partial ? std::min(room, text.size()) : end;
    Add(batch, text.substr(0, size), is_partial);
    text.remove_prefix(is_partial ? size : size + 1);
  }
}

void LogWriter::Finish(int64_t time_ns) {
  if (start_size_ == 0) return;
  Batch batch(file_, stream_, time_ns);
  Add(batch, {}, true);
}

}  // namespace trivet::shim
