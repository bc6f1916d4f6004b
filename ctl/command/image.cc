#include "ctl/command/image.h"

#include <algorithm>
#include <iostream>

#include "common/base/json.h"
#include "ctl/command/table.h"
#include "ctl/node/cri.h"
#include "ctl/node/report.h"

namespace trivet::ctl {
namespace {

using ::runtime::v1::Image;
using ::runtime::v1::ImageService;

constexpr std::string_view kFolder = "oci:";
constexpr std::string_view kArchive = "oci-archive:";

std::string JoinNames(const Image& image) {
  std::string names;
  for (const std::string& tag : image.repo_tags()) names += (names.empty() ? "" : ", ") + tag;
  return names;
}

void PrintImages(const std::vector<Image>& images) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "ID", "SIZE"}};
  for (const Image& image : images) {
    const std::string names = JoinNames(image);
    rows.push_back({names.empty() ? "<none>" : names, ShortId(image.id()),
                    fmt::format("{:.1f} MiB", static_cast<double>(image.size()) / (1 << 20))});
  }
  PrintTable(std::cout, rows);
}

json::Value ToJson(const Image& image) {
  return {
      {"id", image.id()},
      {"repoTags", std::vector<std::string>(image.repo_tags().begin(), image.repo_tags().end())},
      {"repoDigests",
       std::vector<std::string>(image.repo_digests().begin(), image.repo_digests().end())},
      {"size", image.size()},
      {"pinned", image.pinned()}};
}

}  // namespace

Result<std::string> MakeImportLocation(const std::string& text) {
  std::string transport;
  std::string rest = text;
  for (const std::string_view known : {kArchive, kFolder}) {
    if (!text.starts_with(known)) continue;
    transport = known;
    rest = text.substr(known.size());
  }
  const size_t colon = rest.find(':');
  const std::string name = colon == std::string::npos ? "" : rest.substr(colon);
  std::error_code error;
  const auto path = std::filesystem::canonical(rest.substr(0, colon), error);
  if (error) {
    return Fail(Code::kNotFound, "import {}: {}", rest.substr(0, colon), error.message());
  }
  const bool folder = std::filesystem::is_directory(path, error);
  if (transport.empty()) transport = folder ? kFolder : kArchive;
  if (folder != (transport == kFolder)) {
    return Fail(Code::kInvalidArgument, "import {}: {} wants a {}", path.native(), transport,
                transport == kFolder ? "folder" : "file");
  }
  return transport + path.native() + name;
}

Result<> ImportImage(const std::filesystem::path& cri_socket, const std::string& location) {
  ASSIGN_OR_RETURN(const std::string reference, MakeImportLocation(location));
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const std::string id, PullImage(cri, reference), "import " + reference);
  ASSIGN_OR_RETURN(const auto image, FindImage(cri, id));
  Report(std::cout, false)
      .Done("image imported", image ? JoinNames(*image) : "", ShortId(id), start);
  return {};
}

Result<> ListImages(const std::filesystem::path& cri_socket, bool json) {
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  ASSIGN_OR_RETURN(const auto response, Call(*cri.images, &ImageService::Stub::ListImages,
                                             ::runtime::v1::ListImagesRequest()));
  std::vector<Image> images(response.images().begin(), response.images().end());
  std::ranges::sort(images, {}, JoinNames);
  if (!json) {
    PrintImages(images);
    return {};
  }
  json::Value list = json::Value::array();
  for (const Image& image : images) list.push_back(ToJson(image));
  std::cout << json::WritePretty(list);
  return {};
}

Result<> RemoveImage(const std::filesystem::path& cri_socket, const std::string& name) {
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  ::runtime::v1::RemoveImageRequest request;
  request.mutable_image()->set_image(name);
  RETURN_IF_ERROR(Call(*cri.images, &ImageService::Stub::RemoveImage, request), "remove " + name);
  return {};
}

}  // namespace trivet::ctl
