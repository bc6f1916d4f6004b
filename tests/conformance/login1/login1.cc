// What a kubelet needs of systemd-logind, on the bus at DBUS_SYSTEM_BUS_ADDRESS. Source:
// org.freedesktop.login1(5). Lines of the input: "shutdown" and "cancelled" are the signal
// PrepareForShutdown. Lines of the output: "serves"; "WHO inhibits WHAT: MODE" and "WHO lets go"
// for each lock. Ends with its input.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "common/base/unique_fd.h"

namespace {

using trivet::UniqueFd;

constexpr const char* kPath = "/org/freedesktop/login1";
constexpr const char* kInterface = "org.freedesktop.login1.Manager";
constexpr uint64_t kLongestDelayUs = 120'000'000;

struct Login {
  sd_event* events = nullptr;
  sd_bus* bus = nullptr;
};

void Say(const std::string& line) {
  std::cout << line << std::endl;  // at once: somebody waits for it
}

int Check(int result, const char* step) {
  if (result >= 0) return result;
  fmt::print(stderr, "login1: {}: errno {}\n", step, -result);
  std::exit(EXIT_FAILURE);
}

// One that has asked for time. It holds the pipe's other end, as long as it wants the time.
struct Lock {
  UniqueFd reader;
  std::string who;
};

int OnRelease(sd_event_source* source, int /*fd*/, uint32_t /*events*/, void* data) {
  auto* lock = static_cast<Lock*>(data);
  Say(lock->who + " lets go");
  ::sd_event_source_disable_unref(source);
  delete lock;
  return 0;
}

int OnInhibit(sd_bus_message* message, void* data, sd_bus_error* /*error*/) {
  const char* what = nullptr;
  const char* who = nullptr;
  const char* why = nullptr;
  const char* mode = nullptr;
  if (const int result = ::sd_bus_message_read(message, "ssss", &what, &who, &why, &mode);
      result < 0) {
    return result;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -errno;
  auto* lock = new Lock{UniqueFd(ends[0]), who};
  const UniqueFd writer(ends[1]);
  Check(::sd_event_add_io(static_cast<Login*>(data)->events, nullptr, lock->reader.get(), EPOLLHUP,
                          OnRelease, lock),
        "watch a lock");
  Say(fmt::format("{} inhibits {}: {}", who, what, mode));
  return ::sd_bus_reply_method_return(message, "h", writer.get());
}

int OnDelay(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/,
            const char* /*property*/, sd_bus_message* reply, void* /*data*/,
            sd_bus_error* /*error*/) {
  return ::sd_bus_message_append(reply, "t", kLongestDelayUs);
}

int OnInput(sd_event_source* /*source*/, int /*fd*/, uint32_t /*events*/, void* data) {
  auto& login = *static_cast<Login*>(data);
  std::string line;
  if (!std::getline(std::cin, line)) return ::sd_event_exit(login.events, 0);
  return ::sd_bus_emit_signal(login.bus, kPath, kInterface, "PrepareForShutdown", "b",
                              line == "shutdown" ? 1 : 0);
}

const std::array<sd_bus_vtable, 5> kVtable{
    sd_bus_vtable SD_BUS_VTABLE_START(0),
    sd_bus_vtable SD_BUS_METHOD("Inhibit", "ssss", "h", OnInhibit, 0),
    sd_bus_vtable SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", OnDelay, 0, 0),
    sd_bus_vtable SD_BUS_SIGNAL("PrepareForShutdown", "b", 0), sd_bus_vtable SD_BUS_VTABLE_END};

}  // namespace

int main() {
  Login login;
  Check(::sd_event_new(&login.events), "event loop");
  Check(::sd_bus_open_system(&login.bus), "connect to the bus");
  Check(::sd_bus_add_object_vtable(login.bus, nullptr, kPath, kInterface, kVtable.data(), &login),
        "add the object");
  Check(::sd_bus_attach_event(login.bus, login.events, SD_EVENT_PRIORITY_NORMAL), "attach the bus");
  Check(::sd_event_add_io(login.events, nullptr, STDIN_FILENO, EPOLLIN, OnInput, &login),
        "watch the input");
  Check(::sd_bus_request_name(login.bus, "org.freedesktop.login1", 0), "take the name");
  Say("serves");
  Check(::sd_event_loop(login.events), "event loop");
  return EXIT_SUCCESS;
}
