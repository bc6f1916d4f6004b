#include "cri-runtime/container/cdi_registry.h"

#include <algorithm>
#include <memory>
#include <set>

#include "common/linux/file.h"

namespace trivet::container::cdi {
namespace {

constexpr uint64_t kMaxSpecBytes = uint64_t{4} << 20;

struct LoadedSpec {
  Spec spec;
  std::string file;
};

// One folder's files.
struct SpecFolder {
  std::vector<LoadedSpec> specs;
};

struct LoadedFolders {
  std::vector<SpecFolder> folders;  // the one that counts most first
  std::string complaints;
};

bool IsSpecName(const std::string& name) {
  return !name.starts_with(".") && (name.ends_with(".json") || name.ends_with(".yaml"));
}

Result<Spec> ReadSpecFile(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxSpecBytes));
  return ParseSpec(text, file.native());
}

LoadedFolders LoadFolders(const std::vector<std::string>& directories) {
  LoadedFolders loaded;
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) {
    SpecFolder& folder = loaded.folders.emplace_back();
    const auto names = ListDirectory(*directory);
    if (!names) {
      if (names.error().code() != Code::kNotFound)
        loaded.complaints += "; " + names.error().message();
      continue;
    }
    for (const std::string& name : *names) {
      if (!IsSpecName(name)) continue;
      const std::filesystem::path file = std::filesystem::path(*directory) / name;
      auto spec = ReadSpecFile(file);
      if (spec) {
        folder.specs.push_back({std::move(*spec), file.native()});
      } else {
        loaded.complaints += "; " + spec.error().message();
      }
    }
  }
  return loaded;
}

struct FoundDevice {
  const LoadedSpec* spec = nullptr;
  const NamedDevice* device = nullptr;
};

Result<FoundDevice> FindIn(const SpecFolder& folder, const QualifiedName& name) {
  FoundDevice found;
  for (const LoadedSpec& loaded : folder.specs) {
    if (loaded.spec.kind != name.kind) continue;
    for (const NamedDevice& device : loaded.spec.devices) {
      if (device.name != name.device) continue;
      if (found.spec != nullptr) {
        return Fail(Code::kInvalidArgument, "device {}={}: defined by {} and by {}", name.kind,
                    name.device, found.spec->file, loaded.file);
      }
      found = {&loaded, &device};
    }
  }
  return found;
}

Result<FoundDevice> FindDevice(const LoadedFolders& loaded, const std::string& text) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseQualifiedName(text), "CDI_devices");
  for (const SpecFolder& folder : loaded.folders) {
    ASSIGN_OR_RETURN(const FoundDevice found, FindIn(folder, name), "CDI_devices");
    if (found.spec != nullptr) return found;
  }
  return Fail(Code::kNotFound, "CDI_devices: no device \"{}\"{}", text, loaded.complaints);
}

void AddEdits(const Edits& from, Edits& to) {
  to.env.insert(to.env.end(), from.env.begin(), from.env.end());
  to.devices.insert(to.devices.end(), from.devices.begin(), from.devices.end());
  to.mounts.insert(to.mounts.end(), from.mounts.begin(), from.mounts.end());
  to.hooks.insert(to.hooks.end(), from.hooks.begin(), from.hooks.end());
  to.additional_gids.insert(to.additional_gids.end(), from.additional_gids.begin(),
                            from.additional_gids.end());
}

}  // namespace

Result<Edits> FindEdits(const std::vector<std::string>& directories,
                        const std::vector<std::string>& devices) {
  Edits edits;
  if (devices.empty()) return edits;
  const LoadedFolders loaded = LoadFolders(directories);
  std::set<const LoadedSpec*> specs;
  std::set<const NamedDevice*> taken;
  for (const std::string& name : devices) {
    ASSIGN_OR_RETURN(const FoundDevice found, FindDevice(loaded, name));
    // The file's own edits once, however many of its devices are asked for.
    if (specs.insert(found.spec).second) AddEdits(found.spec->spec.edits, edits);
    if (taken.insert(found.device).second) AddEdits(found.device->edits, edits);
  }
  return edits;
}

Config Inject(Config config, const Edits& edits) {
  config.envs.insert(config.envs.end(), edits.env.begin(), edits.env.end());
  config.devices.insert(config.devices.end(), edits.devices.begin(), edits.devices.end());
  config.mounts.insert(config.mounts.end(), edits.mounts.begin(), edits.mounts.end());
  config.hooks.insert(config.hooks.end(), edits.hooks.begin(), edits.hooks.end());
  for (const uint32_t gid : edits.additional_gids) {
    if (gid != 0) config.security.supplemental_groups.push_back(gid);
  }
  return config;
}

}  // namespace trivet::container::cdi
