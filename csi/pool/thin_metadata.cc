#include "csi/pool/thin_metadata.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "common/linux/command.h"
#include "csi/filesystem/tool.h"

namespace trivet::csi::thin_metadata {
namespace {

constexpr auto kMessageDeadline = std::chrono::minutes(1);

// The target's device carries the suffix; messages go there.
Result<> Send(const std::filesystem::path& pool, const char* message) {
  return RunToolChecked({"dmsetup", "message", pool.filename().native() + "-tpool", "0", message},
                        kMessageDeadline);
}

class MetadataSnapshot {
 public:
  static Result<MetadataSnapshot> Take(const std::filesystem::path& pool) {
    if (auto sent = Send(pool, "reserve_metadata_snap"); !sent) {
      return Fail(Code::kAborted, "the thin pool's metadata snapshot is taken: {}",
                  sent.error().message());
    }
    return MetadataSnapshot(pool);
  }
  MetadataSnapshot(MetadataSnapshot&& other) noexcept : pool_(std::exchange(other.pool_, {})) {}
  MetadataSnapshot& operator=(MetadataSnapshot&&) = delete;
  ~MetadataSnapshot() {
    if (!pool_.empty()) Release(pool_);
  }

 private:
  explicit MetadataSnapshot(std::filesystem::path pool) : pool_(std::move(pool)) {}
  std::filesystem::path pool_;  // empty: moved from
};

// The number of `name="number"` in an element.
std::optional<uint64_t> Attribute(std::string_view element, std::string_view name) {
  const std::string start = fmt::format(" {}=\"", name);
  const size_t found = element.find(start);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view rest = element.substr(found + start.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end == rest.data() + rest.size() || *end != '"') return std::nullopt;
  return number;
}

// One mapping, in blocks; none for another element.
Result<std::optional<Extent>> ParseMapping(std::string_view element, uint64_t block_bytes) {
  const bool is_range = element.starts_with("<range_mapping ");
  if (!is_range && !element.starts_with("<single_mapping ")) return std::nullopt;
  const auto offset = Attribute(element, is_range ? "origin_begin" : "origin_block");
  const auto place = Attribute(element, is_range ? "data_begin" : "data_block");
  const auto length = is_range ? Attribute(element, "length") : std::optional<uint64_t>(1);
  constexpr uint64_t kMost = uint64_t{1} << 40;  // blocks: no product below overflows
  const bool fits = offset && place && length && block_bytes != 0 && *offset < kMost &&
                    *place < kMost && *length < kMost && block_bytes <= uint64_t{1} << 22;
  if (!fits) return Fail(Code::kInternal, "thin_dump: unexpected {}", element);
  return std::optional(Extent{.offset = *offset * block_bytes,
                              .bytes = *length * block_bytes,
                              .place = *place * block_bytes});
}

}  // namespace

Result<std::vector<Extent>> ParseDump(std::string_view text) {
  constexpr uint64_t kSector = 512;
  std::vector<Extent> extents;
  uint64_t block_bytes = 0;
  for (size_t start = text.find('<'); start != std::string_view::npos;
       start = text.find('<', start + 1)) {
    const std::string_view element = text.substr(start, text.find('>', start) - start);
    if (element.starts_with("<superblock ")) {
      block_bytes = Attribute(element, "data_block_size").value_or(0) * kSector;
    }
    ASSIGN_OR_RETURN(const auto extent, ParseMapping(element, block_bytes));
    if (extent) extents.push_back(*extent);
  }
  if (block_bytes == 0) return Fail(Code::kInternal, "thin_dump: no data_block_size");
  std::ranges::sort(extents, {}, &Extent::offset);
  return extents;
}

Result<std::vector<Extent>> Read(const std::filesystem::path& pool, uint32_t thin_id) {
  constexpr size_t kDumpBytes = size_t{256} << 20;
  const auto program = FindProgram("thin_dump");
  if (!program) {
    return Fail(Code::kUnimplemented, "changed blocks: {} (thin-provisioning-tools)",
                program.error().message());
  }
  ASSIGN_OR_RETURN(const MetadataSnapshot snapshot, MetadataSnapshot::Take(pool));
  const Command command{
      .program = *program,
      .args = {"--metadata-snap", "--dev-id", std::to_string(thin_id), pool.native() + "_tmeta"},
      .environment = {{"LC_ALL=C"}}};
  ASSIGN_OR_RETURN(
      const RunOutput output,
      RunCommand(command, {}, {.timeout = std::chrono::minutes(5), .output_bytes = kDumpBytes}),
      "thin_dump");
  if (output.exit_code != 0) {
    return Fail(Code::kInternal, "thin_dump: exit status {}: {}", output.exit_code, output.err);
  }
  // What is cut off would be blocks left out.
  if (output.out.find("</superblock>") == std::string::npos) {
    return Fail(Code::kResourceExhausted, "thin_dump: more than {} bytes", kDumpBytes);
  }
  return ParseDump(output.out);
}

void Release(const std::filesystem::path& pool) {
  static_cast<void>(Send(pool, "release_metadata_snap"));
}

}  // namespace trivet::csi::thin_metadata
