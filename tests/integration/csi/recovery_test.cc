// Crashes, damage and hands that meddle: what the driver finds when it starts.

#include <fcntl.h>
#include <sys/mount.h>

#include <fstream>
#include <random>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {
namespace {

class Recovery : public DriverTest {
 protected:
  void Rewrite(const std::string& id, const std::string& from, const std::string& to) {
    std::string text = ReadFile(RecordOf(id)).value_or("");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    std::ofstream(RecordOf(id)) << text.replace(at, from.size(), to);
  }

  // A mkfs outlives the driver that was killed, and the device is its own until it ends: the CO
  // is told to try again.
  grpc::StatusCode StageWhenFree(const std::string& id, const Kind& kind) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto code = Stage(id, kind);
    while (code == grpc::ABORTED && std::chrono::steady_clock::now() < deadline) {
      code = Stage(id, kind);
    }
    return code;
  }
};

TEST_F(Recovery, ServesTheOtherVolumesWhenOneRecordIsDamaged) {
  const std::string good = Created("good", kExt4);
  const std::string bad = Created("bad", kExt4);
  Kill();
  std::ofstream(RecordOf(bad)) << "{\"version\": 1,";
  Start();

  EXPECT_EQ(Stage(bad, kExt4), grpc::DATA_LOSS);
  EXPECT_NE(message().find(bad + ".json"), std::string::npos) << message();
  std::string id;
  EXPECT_EQ(Create("bad", kExt4, id), grpc::DATA_LOSS);
  EXPECT_EQ(Delete(bad), grpc::DATA_LOSS);
  EXPECT_TRUE(std::filesystem::exists(ImageOf(bad)));
  EXPECT_EQ(List(), std::vector{good});
  EXPECT_EQ(Stage(good, kExt4), grpc::OK) << message();
  EXPECT_EQ(Unstage(good), grpc::OK) << message();
}

TEST_F(Recovery, UnpublishesAVolumeWhoseRecordIsDamaged) {
  const std::string id = Created("pvc-1", kExt4);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kExt4), grpc::OK) << message();
  Kill();
  std::ofstream(RecordOf(id)) << "";
  Start();

  EXPECT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_F(Recovery, UnpublishesAVolumeWhoseImageWasDeleted) {
  for (const Kind& kind : {kExt4, kBlock}) {
    const std::string id = Created(kind.name, kind);
    ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    std::filesystem::remove(ImageOf(id));

    EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION) << message();
    EXPECT_EQ(Unpublish(id), grpc::OK) << message();
    EXPECT_EQ(Unstage(id), grpc::OK) << message();
    EXPECT_EQ(Stage(id, kind), grpc::DATA_LOSS) << message();
    Restart();
    EXPECT_EQ(Stage(id, kind), grpc::DATA_LOSS) << "never made again: it held data";
    EXPECT_EQ(Delete(id), grpc::OK) << message();
  }
}

TEST_F(Recovery, FormatsAgainWhatAKillInterrupted) {
  const std::string id = Created("pvc-1", kXfs);
  ASSERT_EQ(Stage(id, kXfs), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  Kill();
  Rewrite(id, "\"ready\"", "\"formatting\"");
  Start();

  EXPECT_EQ(Stage(id, kXfs), grpc::OK) << message();
  EXPECT_NE(ReadFile(RecordOf(id)).value_or("").find("\"ready\""), std::string::npos);
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_F(Recovery, DoesNotFormatBesideAMkfsThatOutlivedTheDriver) {
  const std::string id = Created("pvc-1", kExt4);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  Kill();
  Rewrite(id, "\"ready\"", "\"formatting\"");
  ASSERT_EQ(std::system(("losetup -f " + ImageOf(id).native()).c_str()), 0);
  UniqueFd mkfs(::open(("/dev/" + Loops().at(0)).c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  Start();

  EXPECT_EQ(Stage(id, kExt4), grpc::ABORTED);
  EXPECT_NE(message().find("another process"), std::string::npos) << message();
  mkfs.reset();
  EXPECT_EQ(Stage(id, kExt4), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_F(Recovery, MakesTheImageThatAKillCameBefore) {
  const std::string id = Created("pvc-1", kExt4);
  Kill();
  std::filesystem::remove(ImageOf(id));
  Start();

  EXPECT_EQ(std::filesystem::file_size(ImageOf(id)), static_cast<uint64_t>(kExt4.bytes));
  EXPECT_EQ(Created("pvc-1", kExt4), id);
}

TEST_F(Recovery, FinishesAGrowthThatAKillInterrupted) {
  const std::string id = Created("pvc-1", kExt4);
  Kill();
  Rewrite(id, "67108864", "134217728");
  Start();

  EXPECT_EQ(std::filesystem::file_size(ImageOf(id)), 128U << 20);
}

TEST_F(Recovery, FinishesADeletionThatAKillInterrupted) {
  const std::string id = Created("pvc-1", kExt4);
  Kill();
  Rewrite(id, "\"deleting\": false", "\"deleting\": true");
  Start();

  EXPECT_TRUE(List().empty());
  EXPECT_FALSE(std::filesystem::exists(ImageOf(id)));
  EXPECT_FALSE(std::filesystem::exists(RecordOf(id)));
}

TEST_F(Recovery, NeverDeletesBytesWithoutARecordNorHandsThemOut) {
  const std::string id = Created("pvc-1", kBlock);
  Kill();
  std::filesystem::remove(RecordOf(id));
  Start();

  std::string again;
  EXPECT_EQ(Create("pvc-1", kBlock, again), grpc::FAILED_PRECONDITION);
  EXPECT_TRUE(std::filesystem::exists(ImageOf(id)));
  EXPECT_EQ(Delete(id), grpc::OK) << "an unknown volume";
  EXPECT_TRUE(std::filesystem::exists(ImageOf(id)));
}

TEST_F(Recovery, StagesAgainAfterWhatARebootUndoes) {
  for (const Kind& kind : {kExt4, kBlock}) {
    const std::string id = Created(kind.name, kind);
    ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    WriteData(kind, "t", "kept");
    Kill();
    ASSERT_EQ(::umount(Path("t").c_str()), 0);
    if (kind.is_block()) {
      ASSERT_EQ(std::system(("losetup -d /dev/" + Loops().at(0)).c_str()), 0);
    } else {
      ASSERT_EQ(::umount(StagingPath(id).c_str()), 0);
    }
    ASSERT_TRUE(Loops().empty());
    Start();

    EXPECT_EQ(Publish(id, kind), grpc::FAILED_PRECONDITION) << "an empty folder would lose data";
    ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    EXPECT_EQ(ReadData(kind, "t", 4), "kept");
    ASSERT_EQ(Unpublish(id), grpc::OK) << message();
    ASSERT_EQ(Unstage(id), grpc::OK) << message();
  }
}

TEST_F(Recovery, LosesOnlyComparisonsWithoutItsAttachments) {
  for (const Kind& kind : {kExt4, kBlock}) {
    const std::string id = Created(kind.name, kind);
    ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    Kill();
    std::filesystem::remove_all(Path("state/attachments"));
    Start();

    EXPECT_EQ(Loops().size(), 1U);
    WriteData(kind, "t", "still there");
    EXPECT_EQ(Unpublish(id), grpc::OK) << message();
    EXPECT_EQ(Unstage(id), grpc::OK) << message();
  }
}

TEST_F(Recovery, ReleasesADeviceThatNothingUses) {
  const std::string id = Created("pvc-1", kBlock);
  ASSERT_EQ(Stage(id, kBlock), grpc::OK) << message();
  Kill();
  std::filesystem::remove_all(Path("state/attachments"));

  Start();

  EXPECT_TRUE(Loops().empty());
}

// The driver dies at some moment of a life cycle, again and again; whatever it had
// begun, the same calls bring every volume to its end and nothing is left.
TEST_F(Recovery, SurvivesKillsAtAnyMoment) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 24; ++round) {
    const Kind& kind = round % 3 == 0 ? kXfs : round % 3 == 1 ? kExt4 : kBlock;
    const std::string name = "pvc-" + std::to_string(round);
    std::thread life([&] {
      std::string id;
      if (Create(name, kind, id) == grpc::OK && Stage(id, kind) == grpc::OK &&
          Publish(id, kind) == grpc::OK && Unpublish(id) == grpc::OK && Unstage(id) == grpc::OK) {
        Delete(id);
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    Kill();
    life.join();
    Start();

    const std::string id = Created(name, kind);
    ASSERT_EQ(StageWhenFree(id, kind), grpc::OK) << message();
    ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    ASSERT_EQ(Unpublish(id), grpc::OK) << message();
    ASSERT_EQ(Unstage(id), grpc::OK) << message();
    ASSERT_EQ(Delete(id), grpc::OK) << message();
    ASSERT_TRUE(Loops().empty()) << "round " << round;
  }
  EXPECT_TRUE(List().empty());
}

TEST_F(Recovery, EndsWithStatus0AndRemovesItsSocket) {
  Stop();
  EXPECT_FALSE(std::filesystem::exists(Path("run/csi.sock")));
  Start();
}

}  // namespace
}  // namespace trivet::csi
