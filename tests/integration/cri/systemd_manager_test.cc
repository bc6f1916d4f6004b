#include "cri-runtime/systemd/manager.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::systemd {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kInterface = "org.freedesktop.systemd1.Manager";

// How jobs of the fake end: "done", ...; "" for never.
struct Behaviour {
  std::string job_result = "done";
  std::string error;  // of each call that makes or changes a unit; the first time only
};

// A systemd that notes what is asked, on a bus of the test's own.
class FakeSystemd {
 public:
  FakeSystemd(const std::string& address, Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    EXPECT_GE(::sd_bus_new(&bus_), 0);
    EXPECT_GE(::sd_bus_set_address(bus_, address.c_str()), 0);
    EXPECT_GE(::sd_bus_set_bus_client(bus_, 1), 0);
    EXPECT_GE(::sd_bus_start(bus_), 0);
    EXPECT_GE(::sd_bus_add_object_vtable(bus_, nullptr, kObject, kInterface, kVtable.data(), this),
              0);
    EXPECT_GE(::sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), 0);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const int result = ::sd_bus_process(bus_, nullptr);
        if (result < 0) return;
        if (result == 0) ::sd_bus_wait(bus_, 10'000);
      }
    });
  }
  ~FakeSystemd() {
    thread_.request_stop();
    thread_.join();
    ::sd_bus_close_unref(bus_);
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  std::vector<std::string> calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }

 private:
  void Note(std::string call) {
    const std::scoped_lock lock(mutex_);
    calls_.push_back(std::move(call));
  }
  int Refuse(sd_bus_message* message, sd_bus_error* error) {
    const std::string name = std::exchange(behaviour_.error, "");
    if (name.empty()) return 0;
    return ::sd_bus_reply_method_errorf(message, name.c_str(), "as the test says") < 0
               ? ::sd_bus_error_set_errno(error, EIO)
               : 1;
  }
  // Answers with a job, and says that it has ended.
  int AnswerWithJob(sd_bus_message* message, const char* unit) {
    const std::string job = fmt::format("/org/freedesktop/systemd1/job/{}", ++jobs_);
    int result = ::sd_bus_reply_method_return(message, "o", job.c_str());
    if (result < 0 || behaviour_.job_result.empty()) return result;
    result = ::sd_bus_emit_signal(bus_, kObject, kInterface, "JobRemoved", "uoss", jobs_,
                                  job.c_str(), unit, behaviour_.job_result.c_str());
    return result < 0 ? result : 1;
  }
  // "NAME=value" of a property whose value is a number or a text.
  static std::string ReadProperty(sd_bus_message* message) {
    const char* name = nullptr;
    const char* types = nullptr;
    std::string text;
    ::sd_bus_message_read(message, "s", &name);
    ::sd_bus_message_peek_type(message, nullptr, &types);
    ::sd_bus_message_enter_container(message, 'v', types);
    if (*types == 't') {
      uint64_t number = 0;
      ::sd_bus_message_read(message, "t", &number);
      text = std::to_string(number);
    } else if (*types == 'a') {
      const void* bytes = nullptr;
      size_t size = 0;
      ::sd_bus_message_read_array(message, types[1], &bytes, &size);
      text = fmt::format("{} bytes", size);
    } else if (*types == 's') {
      const char* value = nullptr;
      ::sd_bus_message_read(message, "s", &value);
      text = value;
    } else {
      int value = 0;
      ::sd_bus_message_read(message, "b", &value);
      text = value != 0 ? "true" : "false";
    }
    ::sd_bus_message_exit_container(message);
    return fmt::format(" {}={}", name, text);
  }
  static std::string ReadProperties(sd_bus_message* message) {
    std::string text;
    ::sd_bus_message_enter_container(message, 'a', "(sv)");
    while (::sd_bus_message_enter_container(message, 'r', "sv") > 0) {
      text += ReadProperty(message);
      ::sd_bus_message_exit_container(message);
    }
    ::sd_bus_message_exit_container(message);
    return text;
  }
  static int OnCall(sd_bus_message* message, void* self, sd_bus_error* error) {
    auto& fake = *static_cast<FakeSystemd*>(self);
    const std::string method = ::sd_bus_message_get_member(message);
    if (method == "Subscribe") return ::sd_bus_reply_method_return(message, "");
    const char* unit = nullptr;
    ::sd_bus_message_read(message, "s", &unit);
    std::string call = method + ' ' + unit;
    if (method == "SetUnitProperties") {
      int is_runtime = 0;
      ::sd_bus_message_read(message, "b", &is_runtime);
      call += is_runtime != 0 ? " runtime" : " for ever";
    } else if (method != "ResetFailedUnit") {
      ::sd_bus_message_skip(message, "s");
    }
    if (method == "StartTransientUnit" || method == "SetUnitProperties") {
      call += ReadProperties(message);
    }
    fake.Note(std::move(call));
    if (const int refused = fake.Refuse(message, error); refused != 0) return refused;
    if (method == "SetUnitProperties" || method == "ResetFailedUnit") {
      return ::sd_bus_reply_method_return(message, "");
    }
    return fake.AnswerWithJob(message, unit);
  }
  static int OnVersion(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
                       const char* /*property*/, sd_bus_message* reply, void* /*self*/,
                       sd_bus_error* /*error*/) {
    return ::sd_bus_message_append(reply, "s", "252-test");
  }
  static const std::array<sd_bus_vtable, 10> kVtable;

  Behaviour behaviour_;
  std::mutex mutex_;
  std::vector<std::string> calls_;
  uint32_t jobs_ = 0;
  sd_bus* bus_ = nullptr;
  std::jthread thread_;
};

const std::array<sd_bus_vtable, 10> FakeSystemd::kVtable{
    sd_bus_vtable SD_BUS_VTABLE_START(0),
    sd_bus_vtable SD_BUS_METHOD("Subscribe", "", "", OnCall, 0),
    sd_bus_vtable SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", OnCall, 0),
    sd_bus_vtable SD_BUS_METHOD("StartUnit", "ss", "o", OnCall, 0),
    sd_bus_vtable SD_BUS_METHOD("StopUnit", "ss", "o", OnCall, 0),
    sd_bus_vtable SD_BUS_METHOD("ResetFailedUnit", "s", "", OnCall, 0),
    sd_bus_vtable SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", OnCall, 0),
    sd_bus_vtable SD_BUS_PROPERTY("Version", "s", OnVersion, 0, 0),
    sd_bus_vtable SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
    sd_bus_vtable SD_BUS_VTABLE_END};

constexpr const char* kBusConfig = R"(<busconfig><type>system</type><listen>{0}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/><allow send_type="signal"/></policy>
</busconfig>)";

class ManagerTest : public ::testing::Test {
 protected:
  void SetUp() override { StartBus(); }
  void TearDown() override {
    fake_.reset();
    StopBus();
  }
  void StartBus() {
    folder_.Fill({{"bus.conf", fmt::format(kBusConfig, address_)}});
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    auto bus = StartCommand(
        {.program = "/usr/bin/dbus-daemon",
         .args = {"--nofork", "--print-address", "--config-file", folder_ / "bus.conf"}},
        {{1, writer.get()}});
    ASSERT_THAT(bus, IsOk());
    bus_.emplace(std::move(*bus));
    writer.reset();
    char byte = 0;
    ASSERT_EQ(::read(reader.get(), &byte, 1), 1) << "it prints its address when it listens";
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address_.c_str(), 1);
  }
  void StopBus() {
    if (!bus_) return;
    EXPECT_THAT(SendSignal(bus_->pidfd, SIGKILL), IsOk());
    EXPECT_THAT(Reap(bus_->pidfd), IsOk());
    bus_.reset();
    std::filesystem::remove(folder_ / "bus");
  }
  FakeSystemd& Fake(Behaviour behaviour = {}) {
    fake_ = std::make_unique<FakeSystemd>(address_, std::move(behaviour));
    return *fake_;
  }
  TempDirectory folder_;
  std::string address_ = "unix:path=" + (folder_ / "bus").native();
  std::optional<Child> bus_;
  std::unique_ptr<FakeSystemd> fake_;
  Manager manager_{std::chrono::seconds(60)};
};

TEST_F(ManagerTest, MakesAUnitWithItsPropertiesAndWaitsForItsJob) {
  FakeSystemd& fake = Fake();
  ASSERT_THAT(manager_.StartTransient("a.scope", {{"Slice", std::string("b.slice")},
                                                  {"PIDs", std::vector<uint32_t>{7}},
                                                  {"Delegate", true},
                                                  {"AllowedCPUs", std::vector<uint8_t>{3}},
                                                  {"MemoryMax", uint64_t{5}}}),
              IsOk());
  EXPECT_THAT(fake.calls(),
              ElementsAre("StartTransientUnit a.scope Slice=b.slice PIDs=4 bytes Delegate=true "
                          "AllowedCPUs=1 bytes MemoryMax=5"));
  EXPECT_EQ(*manager_.ReadVersion(), "252-test");
}

TEST_F(ManagerTest, ForgetsAFailedUnitOfTheSameName) {
  FakeSystemd& fake = Fake({.error = "org.freedesktop.systemd1.UnitExists"});
  ASSERT_THAT(manager_.StartTransient("a.scope", {}), IsOk());
  EXPECT_THAT(fake.calls(), ElementsAre("StartTransientUnit a.scope", "ResetFailedUnit a.scope",
                                        "StartTransientUnit a.scope"));
}

TEST_F(ManagerTest, SetsPropertiesForThisBootOnly) {
  FakeSystemd& fake = Fake();
  ASSERT_THAT(manager_.SetProperties("a.scope", {{"TasksMax", uint64_t{9}}}), IsOk());
  EXPECT_THAT(fake.calls(), ElementsAre("SetUnitProperties a.scope runtime TasksMax=9"));
}

TEST_F(ManagerTest, StopsAUnitAndFindsNothingWrongWhenItIsGone) {
  FakeSystemd& fake = Fake({.error = "org.freedesktop.systemd1.NoSuchUnit"});
  EXPECT_THAT(manager_.Stop("a.scope"), IsOk());
  EXPECT_THAT(manager_.Stop("a.scope"), IsOk());
  EXPECT_THAT(fake.calls(),
              ElementsAre("StopUnit a.scope", "StopUnit a.scope", "ResetFailedUnit a.scope"));
}

TEST_F(ManagerTest, SaysWhatSystemdSays) {
  Fake({.error = "org.freedesktop.DBus.Error.AccessDenied"});
  EXPECT_THAT(manager_.Start("a.slice"),
              FailsWith(Code::kPermissionDenied, "systemd: StartUnit a.slice: as the test says"));
}

TEST_F(ManagerTest, SaysHowAJobEnded) {
  Fake({.job_result = "failed"});
  EXPECT_THAT(manager_.Start("a.slice"),
              FailsWith(Code::kInternal, "StartUnit a.slice: its job ended as failed"));
}

TEST_F(ManagerTest, DoesNotWaitForAJobForEver) {
  Fake({.job_result = ""});
  EXPECT_THAT(Manager(milliseconds(200)).Start("a.slice"), FailsWith(Code::kDeadlineExceeded, ""));
}

TEST_F(ManagerTest, FindsTheBusAgainAfterItWasAway) {
  StopBus();
  EXPECT_THAT(manager_.Start("a.slice"),
              FailsWith(Code::kUnavailable, "StartUnit a.slice: connect to the system bus"));
  StartBus();
  EXPECT_THAT(manager_.Start("a.slice"), FailsWith(Code::kUnavailable, "StartUnit a.slice"));
  Fake();
  EXPECT_THAT(manager_.Start("a.slice"), IsOk());
}

}  // namespace
}  // namespace trivet::systemd
