#include "tests/fault/csi/logged_disk.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <system_error>

namespace trivet::csi {
namespace {

constexpr uint64_t kFileNode = 2;
constexpr size_t kMostBytes = 128 << 10;  // of one read or write
constexpr size_t kSectorBytes = 4096;

int Check(int64_t result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return static_cast<int>(result);
}

// Holes stay holes.
void CopyFile(int from, int to, uint64_t bytes) {
  Check(::ftruncate(to, 0), "truncate");
  Check(::ftruncate(to, static_cast<off_t>(bytes)), "truncate");
  std::string buffer(1 << 20, '\0');
  off_t at = 0;
  while ((at = ::lseek(from, at, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(from, at, SEEK_HOLE);
    while (at < end) {
      const size_t part = std::min(buffer.size(), static_cast<size_t>(end - at));
      const ssize_t n = Check(::pread(from, buffer.data(), part, at), "read");
      Check(::pwrite(to, buffer.data(), static_cast<size_t>(n), at), "write");
      at += n;
    }
  }
}

UniqueFd Open(const std::filesystem::path& file, int flags) {
  return UniqueFd(Check(::open(file.c_str(), flags | O_CLOEXEC, 0600), file.c_str()));
}

fuse_attr AttributesOf(uint64_t node, uint64_t bytes) {
  fuse_attr attributes{};
  attributes.ino = node;
  attributes.mode = node == kFileNode ? S_IFREG | 0600 : S_IFDIR | 0700;
  attributes.nlink = 1;
  attributes.blksize = kSectorBytes;
  if (node == kFileNode) attributes.size = bytes;
  return attributes;
}

constexpr uint64_t kForSeconds = 3600;

}  // namespace

struct LoggedDisk::Request {
  const fuse_in_header* header;
  const char* body;

  template <class T>
  const T& as() const {
    return *reinterpret_cast<const T*>(body);
  }
};

LoggedDisk::LoggedDisk(std::filesystem::path folder, const std::filesystem::path& image)
    : folder_(std::move(folder)), base_(Open(image, O_RDWR)) {
  struct stat info{};
  Check(::fstat(base_.get(), &info), "stat");
  bytes_ = static_cast<uint64_t>(info.st_size);
  now_ = Open(image.native() + ".now", O_RDWR | O_CREAT | O_EXCL);
  Check(::unlink((image.native() + ".now").c_str()), "unlink");
  CopyFile(base_.get(), now_.get(), bytes_);
  Mount();
  server_ = std::thread([this] { Serve(); });
}

LoggedDisk::~LoggedDisk() {
  Hang(false);
  ::umount2(folder_.c_str(), MNT_DETACH);
  server_.join();
}

void LoggedDisk::Mount() {
  std::filesystem::create_directory(folder_);
  fuse_ = Open("/dev/fuse", O_RDWR);
  const std::string options =
      "fd=" + std::to_string(fuse_.get()) + ",rootmode=40000,user_id=0,group_id=0";
  Check(::mount("disk", folder_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()),
        "mount fuse");
}

void LoggedDisk::Hang(bool hang) {
  const std::lock_guard lock(mutex_);
  hanging_ = hang;
  may_answer_.notify_all();
}

size_t LoggedDisk::Moment() {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

// ENODEV: it was unmounted.
void LoggedDisk::Serve() {
  std::vector<uint64_t> buffer((kMostBytes + (64 << 10)) / sizeof(uint64_t));
  while (true) {
    const ssize_t n = ::read(fuse_.get(), buffer.data(), buffer.size() * sizeof(uint64_t));
    if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (n < static_cast<ssize_t>(sizeof(fuse_in_header))) return;
    const auto* header = reinterpret_cast<const fuse_in_header*>(buffer.data());
    Handle({.header = header, .body = reinterpret_cast<const char*>(header + 1)});
  }
}

void LoggedDisk::Handle(const Request& request) {
  {
    std::unique_lock lock(mutex_);
    may_answer_.wait(lock, [this] { return !hanging_; });
  }
  switch (request.header->opcode) {
    case FUSE_INIT: {
      const auto& asked = request.as<fuse_init_in>();
      const fuse_init_out init{.major = FUSE_KERNEL_VERSION,
                               .minor = std::min<uint32_t>(asked.minor, 31),
                               .max_readahead = asked.max_readahead,
                               .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
                               .max_background = 16,
                               .congestion_threshold = 12,
                               .max_write = kMostBytes,
                               .time_gran = 1,
                               .max_pages = kMostBytes / 4096};
      return Answer(request, 0, &init, sizeof init);
    }
    case FUSE_LOOKUP: {
      if (std::strcmp(request.body, "disk") != 0) return Answer(request, ENOENT);
      const fuse_entry_out entry{.nodeid = kFileNode,
                                 .entry_valid = kForSeconds,
                                 .attr_valid = kForSeconds,
                                 .attr = AttributesOf(kFileNode, bytes_)};
      return Answer(request, 0, &entry, sizeof entry);
    }
    case FUSE_GETATTR: {
      const fuse_attr_out out{.attr_valid = kForSeconds,
                              .attr = AttributesOf(request.header->nodeid, bytes_)};
      return Answer(request, 0, &out, sizeof out);
    }
    case FUSE_OPEN: {
      const fuse_open_out out{};
      return Answer(request, 0, &out, sizeof out);
    }
    case FUSE_READ:
      return Read(request);
    case FUSE_WRITE:
      return Write(request);
    case FUSE_FSYNC: {
      const std::lock_guard lock(mutex_);
      events_.push_back({.flush = true});
      return Answer(request, 0);
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
      return Answer(request, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;  // these have no answer
    default:
      return Answer(request, ENOSYS);
  }
}

void LoggedDisk::Read(const Request& request) {
  const auto& read = request.as<fuse_read_in>();
  std::string data(std::min<size_t>(read.size, kMostBytes), '\0');
  const ssize_t n = ::pread(now_.get(), data.data(), data.size(), static_cast<off_t>(read.offset));
  if (n < 0) return Answer(request, errno);
  Answer(request, 0, data.data(), static_cast<size_t>(n));
}

void LoggedDisk::Write(const Request& request) {
  const auto& write = request.as<fuse_write_in>();
  const char* data = request.body + sizeof(fuse_write_in);
  {
    const std::lock_guard lock(mutex_);
    events_.push_back({.offset = write.offset, .data = std::string(data, write.size)});
  }
  if (::pwrite(now_.get(), data, write.size, static_cast<off_t>(write.offset)) < 0) {
    return Answer(request, errno);
  }
  const fuse_write_out out{.size = write.size};
  Answer(request, 0, &out, sizeof out);
}

void LoggedDisk::Answer(const Request& request, int error, const void* data, size_t bytes) {
  fuse_out_header header{.len = static_cast<uint32_t>(sizeof(fuse_out_header) + bytes),
                         .error = -error,
                         .unique = request.header->unique};
  std::string answer(reinterpret_cast<const char*>(&header), sizeof header);
  answer.append(static_cast<const char*>(data), bytes);
  // ENOENT: the request was given up meanwhile.
  (void)!::write(fuse_.get(), answer.data(), answer.size());
}

void LoggedDisk::LosePower(size_t moment, std::mt19937& random,
                           const std::filesystem::path& image) {
  std::filesystem::remove(image);  // and not changed: a device may show it still
  const UniqueFd disk = Open(image, O_RDWR | O_CREAT);
  CopyFile(base_.get(), disk.get(), bytes_);
  const std::lock_guard lock(mutex_);
  const auto before = events_.begin() + static_cast<ptrdiff_t>(moment);
  const auto last_flush = std::find_if(std::make_reverse_iterator(before), events_.rend(),
                                       [](const Event& event) { return event.flush; });
  const auto apply = [&](const Event& event, size_t at, size_t bytes) {
    Check(
        ::pwrite(disk.get(), event.data.data() + at, bytes, static_cast<off_t>(event.offset + at)),
        "write");
  };
  for (auto event = events_.begin(); event != last_flush.base(); ++event) {
    apply(*event, 0, event->data.size());
  }
  // Some losses are of nearly all, some of nearly none.
  std::bernoulli_distribution is_kept(std::uniform_real_distribution<>(0, 1)(random));
  for (auto event = last_flush.base(); event != before; ++event) {
    for (size_t at = 0; at < event->data.size(); at += kSectorBytes) {
      if (is_kept(random)) apply(*event, at, std::min(kSectorBytes, event->data.size() - at));
    }
  }
}

}  // namespace trivet::csi
