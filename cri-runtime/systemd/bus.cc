#include "cri-runtime/systemd/bus.h"

#include <algorithm>
#include <cstring>

namespace trivet::systemd {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kInterface = "org.freedesktop.systemd1.Manager";

struct NamedCode {
  std::string_view name;
  Code code;
};

// Source: src/libsystemd/sd-bus/bus-common-errors.h, man 3 sd-bus-errors.
constexpr NamedCode kCodes[] = {
    {"org.freedesktop.systemd1.NoSuchUnit", Code::kNotFound},
    {"org.freedesktop.systemd1.UnitExists", Code::kAlreadyExists},
    {"org.freedesktop.DBus.Error.InvalidArgs", Code::kInvalidArgument},
    {"org.freedesktop.DBus.Error.PropertyReadOnly", Code::kInvalidArgument},
    {"org.freedesktop.DBus.Error.AccessDenied", Code::kPermissionDenied},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Code::kPermissionDenied},
    {"org.freedesktop.DBus.Error.NoReply", Code::kDeadlineExceeded},
    {"org.freedesktop.DBus.Error.Timeout", Code::kDeadlineExceeded},
    {"org.freedesktop.DBus.Error.ServiceUnknown", Code::kUnavailable},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", Code::kUnavailable},
    {"org.freedesktop.DBus.Error.Disconnected", Code::kUnavailable},
};

// What an answer with an error, or a failure of the connection, means.
class Failure {
 public:
  Failure() = default;
  ~Failure() { ::sd_bus_error_free(&error_); }
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;

  sd_bus_error* out() { return &error_; }
  [[nodiscard]] std::unexpected<Error> Of(const std::string& step, int result) const {
    if (::sd_bus_error_is_set(&error_) == 0) return Lost(step, result);
    const auto* known = std::ranges::find(kCodes, std::string_view(error_.name), &NamedCode::name);
    const Code code = known == std::end(kCodes) ? Code::kInternal : known->code;
    return Fail(code, "systemd: {}: {}", step,
                error_.message == nullptr ? error_.name : error_.message);
  }
  static std::unexpected<Error> Lost(const std::string& step, int result) {
    const Code code = result == -ETIMEDOUT ? Code::kDeadlineExceeded : Code::kUnavailable;
    return Fail(code, "systemd: {}: {}", step, std::strerror(-result));
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

int NoteJob(sd_bus_message* message, void* jobs, sd_bus_error* /*error*/) {
  uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  const int read = ::sd_bus_message_read(message, "uoss", &id, &path, &unit, &result);
  if (read >= 0) static_cast<std::map<std::string, std::string>*>(jobs)->emplace(path, result);
  return 0;
}

}  // namespace

Bus::Bus(std::string step, std::chrono::milliseconds patience)
    : step_(std::move(step)), deadline_(std::chrono::steady_clock::now() + patience) {}

Bus::~Bus() {
  ::sd_bus_close_unref(bus_);
}

Result<std::unique_ptr<Bus>> Bus::Open(std::string step, std::chrono::milliseconds patience) {
  std::unique_ptr<Bus> bus(new Bus(std::move(step), patience));
  const int opened = ::sd_bus_open_system(&bus->bus_);
  if (opened < 0) return Failure::Lost(bus->step_ + ": connect to the system bus", opened);
  return bus;
}

uint64_t Bus::LeftUs() const {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      deadline_ - std::chrono::steady_clock::now());
  return static_cast<uint64_t>(std::max<int64_t>(left.count(), 1));
}

Result<Message> Bus::Call(const char* method, const std::function<int(sd_bus_message*)>& fill) {
  sd_bus_message* made = nullptr;
  int result = ::sd_bus_message_new_method_call(bus_, &made, kService, kObject, kInterface, method);
  const Message call(made);
  if (result >= 0) result = fill(made);
  if (result < 0) return Failure::Lost(step_, result);
  Failure failure;
  sd_bus_message* answer = nullptr;
  result = ::sd_bus_call(bus_, made, LeftUs(), failure.out(), &answer);
  if (result < 0) return failure.Of(step_, result);
  return Message(answer);
}

Result<> Bus::ListenForJobs() {
  const int result = ::sd_bus_match_signal(bus_, nullptr, kService, kObject, kInterface,
                                           "JobRemoved", NoteJob, &ended_jobs_);
  if (result < 0) return Failure::Lost(step_, result);
  RETURN_IF_ERROR(Call("Subscribe", [](sd_bus_message* /*message*/) { return 0; }));
  return {};
}

Result<> Bus::RunJob(const char* method, const std::function<int(sd_bus_message*)>& fill) {
  RETURN_IF_ERROR(ListenForJobs());
  ASSIGN_OR_RETURN(const Message answer, Call(method, fill));
  const char* job = nullptr;
  const int result = ::sd_bus_message_read(answer.get(), "o", &job);
  if (result < 0) return Failure::Lost(step_, result);
  return AwaitJob(job);
}

Result<> Bus::AwaitJob(const std::string& job) {
  while (!ended_jobs_.contains(job)) {
    if (std::chrono::steady_clock::now() >= deadline_) {
      return Fail(Code::kDeadlineExceeded, "systemd: {}: its job does not end", step_);
    }
    int result = ::sd_bus_process(bus_, nullptr);
    if (result == 0) result = ::sd_bus_wait(bus_, LeftUs());
    if (result < 0 && result != -EINTR) return Failure::Lost(step_, result);
  }
  const std::string& how = ended_jobs_[job];
  if (how == "done" || how == "skipped") return {};
  return Fail(Code::kInternal, "systemd: {}: its job ended as {}", step_, how);
}

Result<std::string> Bus::ReadText(const char* property) {
  Failure failure;
  char* text = nullptr;
  const int result = ::sd_bus_get_property_string(bus_, kService, kObject, kInterface, property,
                                                  failure.out(), &text);
  if (result < 0) return failure.Of(step_, result);
  const std::unique_ptr<char, decltype(&::free)> owner(text, &::free);
  return std::string(text);
}

}  // namespace trivet::systemd
