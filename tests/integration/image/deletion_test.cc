#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <thread>

#include "common/base/unique_fd.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::OciLayout;
using ::trivet::testing::TarFile;

constexpr int kPatienceMs = 20'000;  // met only when something is wrong

// From here on each unlinkat(2) of this thread waits for an answer on the descriptor.
int AskBeforeEachUnlink() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_unlinkat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

// Work in a thread of its own that stops at the first file which it deletes, until it is let go on.
class StopsAtDeletion {
 public:
  explicit StopsAtDeletion(std::function<void()> work) {
    std::promise<int> listener;
    auto listening = listener.get_future();
    thread_ = std::thread([&listener, work = std::move(work)] {
      listener.set_value(AskBeforeEachUnlink());
      work();
    });
    listener_ = UniqueFd(listening.get());
    stopped_ = listener_.valid() && Await() && Receive();
  }
  ~StopsAtDeletion() { GoOn(); }

  [[nodiscard]] bool stopped() const { return stopped_; }
  void GoOn() {
    if (!thread_.joinable()) return;
    if (stopped_) Answer();
    while (Await() && Receive()) Answer();
    thread_.join();
  }

 private:
  // False when the thread has ended.
  [[nodiscard]] bool Await() const {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, kPatienceMs) == 1 && (waiting.revents & POLLIN) != 0;
  }
  bool Receive() {
    asked_ = {};
    return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked_) == 0;
  }
  void Answer() {
    seccomp_notif_resp answer{.id = asked_.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    EXPECT_EQ(::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
  }

  std::thread thread_;
  UniqueFd listener_;
  seccomp_notif asked_{};
  bool stopped_ = false;
};

// What containers and imports need of the store while the layers of another image are deleted.
class DeletionTest : public ImageStoreTest {
 protected:
  std::string ImportNamed(const std::string& name) {
    OciLayout layout;
    layout.Add({.name = "localhost/" + name + ":1",
                .layers = {LayerBlob::Gzip(TarFile().File(name, name))}});
    const auto images = Import(layout);
    EXPECT_THAT(images, IsOk());
    return images ? images->at(0).id : "";
  }
  void UseStore() {
    EXPECT_THAT(store().PinFor("localhost/kept:1", "container"), IsOk());
    EXPECT_THAT(store().Unpin("container"), IsOk());
    ImportNamed("new");
    EXPECT_THAT(store().Remove("localhost/kept:1"), IsOk());
    EXPECT_THAT(Names("tmp"), Not(IsEmpty()));  // the other's layer is still being deleted
  }
  void ExpectNobodyWaitsFor(StopsAtDeletion& deletion) {
    ASSERT_TRUE(deletion.stopped());
    auto used = std::async(std::launch::async, [this] { UseStore(); });
    EXPECT_EQ(used.wait_for(std::chrono::milliseconds(kPatienceMs)), std::future_status::ready);
    deletion.GoOn();
    used.wait();
    EXPECT_THAT(Names("tmp"), IsEmpty());
    EXPECT_EQ(Names("layers").size(), 1U);
  }
};

TEST_F(DeletionTest, OfARemovedImageIsWaitedForByNobodyElse) {
  ImportNamed("kept");
  ImportNamed("gone");

  StopsAtDeletion deletion([&] { EXPECT_THAT(store().Remove("localhost/gone:1"), IsOk()); });

  ExpectNobodyWaitsFor(deletion);
}

TEST_F(DeletionTest, OfTheImageOfAContainerThatGoesIsWaitedForByNobodyElse) {
  ImportNamed("kept");
  const std::string id = ImportNamed("gone");
  ASSERT_THAT(store().PinFor(id, "last"), IsOk());
  ASSERT_THAT(store().Remove(id), IsOk());

  StopsAtDeletion deletion([&] { EXPECT_THAT(store().Unpin("last"), IsOk()); });

  ExpectNobodyWaitsFor(deletion);
}

TEST_F(DeletionTest, LeavesAnImageThatComesAgainMeanwhileAlone) {
  const std::string id = ImportNamed("gone");
  StopsAtDeletion deletion([&] { EXPECT_THAT(store().Remove(id), IsOk()); });
  ASSERT_TRUE(deletion.stopped());

  auto again = std::async(std::launch::async, [&] { return ImportNamed("gone"); });
  EXPECT_EQ(again.wait_for(std::chrono::milliseconds(kPatienceMs)), std::future_status::ready);
  deletion.GoOn();

  EXPECT_EQ(again.get(), id);
  EXPECT_TRUE(std::filesystem::exists(store().Find(id)->layer_directories[0] / "gone"));
}

}  // namespace
}  // namespace trivet::image
