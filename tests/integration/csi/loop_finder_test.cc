// Which loop device shows a file, without a look into it as long as nothing was bound anew.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "csi/pool/loop_device.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi::loop {
namespace {

using testing::IsOk;

class LoopFinder : public testing::RootTest {
 protected:
  // The loop driver serves whole sectors only.
  void MakeFile(const std::string& name) const {
    std::ofstream(folder_ / name).flush();
    std::filesystem::resize_file(folder_ / name, 1 << 20);
  }
  // Its number, or 0 when it is not seen.
  dev_t Seen(const std::string& name) {
    const auto seen = finder_.See(folder_ / name);
    EXPECT_THAT(seen, IsOk());
    return seen && *seen ? (*seen)->number : 0;
  }
  BlockDevice Attached(const std::string& name) {
    auto device = Attach(folder_ / name, {});
    EXPECT_THAT(device, IsOk());
    return device ? std::move(*device) : BlockDevice{};
  }

  const testing::TempDirectory folder_;
  Finder finder_;
};

TEST_F(LoopFinder, SeesADeviceThatWasNotedAndOneThatWasNot) {
  MakeFile("noted");
  MakeFile("other");
  EXPECT_EQ(Seen("noted"), dev_t{0});
  const BlockDevice noted = Attached("noted");
  const BlockDevice other = Attached("other");
  finder_.Note(folder_ / "noted", noted);
  for (int look = 0; look < 2; ++look) {
    EXPECT_EQ(Seen("noted"), noted.number);
    EXPECT_EQ(Seen("other"), other.number);
  }
}

TEST_F(LoopFinder, SeesADeviceNoMoreThatWasLetGoOrBoundToAnotherFile) {
  MakeFile("first");
  MakeFile("second");
  {
    const BlockDevice first = Attached("first");
    finder_.Note(folder_ / "first", first);
    EXPECT_EQ(Seen("first"), first.number);
  }
  EXPECT_EQ(Seen("first"), dev_t{0});
  const BlockDevice second = Attached("second");  // as a rule the same device
  EXPECT_EQ(Seen("first"), dev_t{0});
  const BlockDevice again = Attached("first");
  EXPECT_EQ(Seen("first"), again.number);
}

TEST_F(LoopFinder, SeesNoDeviceOfAFileThatTookTheNamesPlace) {
  MakeFile("image");
  MakeFile("successor");
  const BlockDevice image = Attached("image");
  finder_.Note(folder_ / "image", image);
  EXPECT_EQ(Seen("image"), image.number);
  std::filesystem::rename(folder_ / "successor", folder_ / "image");
  EXPECT_EQ(Seen("image"), dev_t{0});
}

}  // namespace
}  // namespace trivet::csi::loop
