#include "cri-runtime/checkpoint/save.h"

#include "cri-runtime/checkpoint/saving.h"
#include "cri-runtime/clock.h"

namespace trivet::checkpoint {
namespace {

template <class Step>
Result<> ForEach(std::vector<Saving>& savings, const std::vector<Target>& targets, Step step) {
  for (size_t i = 0; i < savings.size(); ++i) {
    RETURN_IF_ERROR(step(savings[i]), "container " + targets[i].container->record->id);
  }
  return {};
}

}  // namespace

Result<> Save(cri::Node& node, const std::vector<Target>& targets, Deadline deadline) {
  const std::filesystem::path criu = node.config->criu;
  RETURN_IF_ERROR(CheckInstalled(criu));
  std::vector<Saving> savings;
  for (const Target& target : targets) {
    ASSIGN_OR_RETURN(auto saving, Saving::Begin(node, target.container, target.archive),
                     "container " + target.container->record->id);
    savings.push_back(std::move(saving));
  }
  const auto each = [&](auto step) { return ForEach(savings, targets, step); };
  RETURN_IF_ERROR(each([&](Saving& saving) { return saving.Freeze(deadline); }));
  RETURN_IF_ERROR(each([&](Saving& saving) { return saving.Capture(criu, deadline); }));
  const int64_t captured_at_ns = cri::NowNs();
  RETURN_IF_ERROR(each([](Saving& saving) { return saving.Thaw(); }));
  RETURN_IF_ERROR(each([&](Saving& saving) { return saving.WriteArchive(captured_at_ns); }));
  return each([](Saving& saving) { return saving.Publish(); });
}

}  // namespace trivet::checkpoint
