#include "cri-runtime/systemd/manager.h"

#include "cri-runtime/systemd/bus.h"

namespace trivet::systemd {
namespace {

constexpr const char* kReplace = "replace";  // another job of the unit gives way to ours

int AppendBytes(sd_bus_message* message, char type, const void* data, size_t size) {
  return ::sd_bus_message_append_array(message, type, data, size);
}

// The content of a variant, and its type.
struct Append {
  sd_bus_message* message;

  int operator()(uint64_t value) const { return ::sd_bus_message_append(message, "v", "t", value); }
  int operator()(bool value) const {
    return ::sd_bus_message_append(message, "v", "b", static_cast<int>(value));
  }
  int operator()(const std::string& value) const {
    return ::sd_bus_message_append(message, "v", "s", value.c_str());
  }
  int operator()(const std::vector<uint8_t>& value) const {
    return Array("ay", 'y', value.data(), value.size());
  }
  int operator()(const std::vector<uint32_t>& value) const {
    return Array("au", 'u', value.data(), value.size() * sizeof(uint32_t));
  }
  int Array(const char* types, char type, const void* data, size_t bytes) const {
    int result = ::sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, types);
    if (result >= 0) result = AppendBytes(message, type, data, bytes);
    return result < 0 ? result : ::sd_bus_message_close_container(message);
  }
};

int AppendProperty(sd_bus_message* message, const Property& property) {
  int result = ::sd_bus_message_open_container(message, SD_BUS_TYPE_STRUCT, "sv");
  if (result >= 0) result = ::sd_bus_message_append(message, "s", property.name.c_str());
  if (result >= 0) result = std::visit(Append{message}, property.value);
  return result < 0 ? result : ::sd_bus_message_close_container(message);
}

int AppendProperties(sd_bus_message* message, const Properties& properties) {
  int result = ::sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "(sv)");
  for (const Property& property : properties) {
    if (result >= 0) result = AppendProperty(message, property);
  }
  return result < 0 ? result : ::sd_bus_message_close_container(message);
}

Result<> ForgetFailure(const std::string& unit, std::chrono::milliseconds patience) {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("ResetFailedUnit " + unit, patience));
  const auto called = bus->Call("ResetFailedUnit", [&](sd_bus_message* message) {
    return ::sd_bus_message_append(message, "s", unit.c_str());
  });
  if (called || called.error().code() == Code::kNotFound) return {};
  return std::unexpected(called.error());
}

Result<> MakeUnit(const std::string& unit, const Properties& properties,
                  std::chrono::milliseconds patience) {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("StartTransientUnit " + unit, patience));
  return bus->RunJob("StartTransientUnit", [&](sd_bus_message* message) {
    int result = ::sd_bus_message_append(message, "ss", unit.c_str(), kReplace);
    if (result >= 0) result = AppendProperties(message, properties);
    return result < 0 ? result : ::sd_bus_message_append(message, "a(sa(sv))", 0);
  });
}

}  // namespace

Result<std::string> Manager::ReadVersion() const {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("read its version", patience_));
  return bus->ReadText("Version");
}

Result<> Manager::StartTransient(const std::string& unit, const Properties& properties) const {
  auto made = MakeUnit(unit, properties, patience_);
  if (made || made.error().code() != Code::kAlreadyExists) return made;
  RETURN_IF_ERROR(ForgetFailure(unit, patience_));
  return MakeUnit(unit, properties, patience_);
}

Result<> Manager::Start(const std::string& unit) const {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("StartUnit " + unit, patience_));
  return bus->RunJob("StartUnit", [&](sd_bus_message* message) {
    return ::sd_bus_message_append(message, "ss", unit.c_str(), kReplace);
  });
}

Result<> Manager::SetProperties(const std::string& unit, const Properties& properties) const {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("SetUnitProperties " + unit, patience_));
  RETURN_IF_ERROR(bus->Call("SetUnitProperties", [&](sd_bus_message* message) {
    const int result = ::sd_bus_message_append(message, "sb", unit.c_str(), 1);
    return result < 0 ? result : AppendProperties(message, properties);
  }));
  return {};
}

Result<> Manager::Stop(const std::string& unit) const {
  ASSIGN_OR_RETURN(const auto bus, Bus::Open("StopUnit " + unit, patience_));
  const auto stopped = bus->RunJob("StopUnit", [&](sd_bus_message* message) {
    return ::sd_bus_message_append(message, "ss", unit.c_str(), kReplace);
  });
  if (!stopped && stopped.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(stopped);
  return ForgetFailure(unit, patience_);
}

}  // namespace trivet::systemd
