#include <chrono>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/cri/hook_fixture.h"

namespace trivet::testing {

void HookTest::UseHooks(const std::vector<std::pair<std::string, std::string>>& hooks,
                        int timeout_seconds, const std::string& path) {
  json::Value list = json::Value::array();
  for (const auto& [name, script] : hooks) {
    list.push_back({{"hookName", name},
                    {"path", path},
                    {"args", {"sh", "-c", script}},
                    {"env", {"PATH=/usr/bin:/bin", "OUT=" + (folder_ / "bin/out").native()}},
                    {"timeout", timeout_seconds}});
  }
  const json::Value spec = {
      {"cdiVersion", "0.6.0"},
      {"kind", "vendor.com/gpu"},
      {"containerEdits", {{"hooks", list}}},
      {"devices", {{{"name", "gpu0"}, {"containerEdits", {{"env", {"A=b"}}}}}}}};
  folder_.Fill({{"bin/cdi/vendor.json", json::Write(spec)}, {"bin/out/.keep", ""}});
  const std::string config = R"({"cdiSpecDirs": [")" + (folder_ / "bin/cdi").native() + R"("]})";
  if (folders_.config != config) RestartWith(config);
}

v1::ContainerConfig HookTest::DeviceConfig(const std::string& script) const {
  v1::ContainerConfig config = ShellConfig("c", script);
  config.add_cdi_devices()->set_name("vendor.com/gpu=gpu0");
  return config;
}

std::string HookTest::Out(const std::string& name) const {
  return ReadFile(folder_ / "bin/out" / name).value_or("absent");
}

std::string HookTest::AwaitOut(const std::string& name) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (Out(name) == "absent" && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return Out(name);
}

json::Value HookTest::StateOf(const std::string& name) const {
  return json::Parse(Out(name)).value_or(json::Value::object());
}

}  // namespace trivet::testing
