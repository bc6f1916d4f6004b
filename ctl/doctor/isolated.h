#pragma once

#include <filesystem>
#include <functional>

#include "common/base/error.h"

namespace trivet::ctl::doctor {

/// Runs `work` on a thread of its own in a new network namespace; both are gone afterwards, and
/// everything that `work` made there. Errors: kPermissionDenied without CAP_SYS_ADMIN; those of
/// `work`.
Result<> InNewNetworkNamespace(const std::function<Result<>()>& work);

/// The same with a mount namespace, in which a small tmpfs covers the folder that `work` is given.
Result<> OnScratchMount(const std::function<Result<>(const std::filesystem::path&)>& work);

}  // namespace trivet::ctl::doctor
