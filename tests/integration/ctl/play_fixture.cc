#include "tests/integration/ctl/play_fixture.h"

#include "common/linux/file.h"

namespace trivet::ctl {

using trivet::testing::IsOk;

void PlayTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  auto cri = rpc::Server::Start(Options().cri_socket, {&runtime_, &images_});
  ASSERT_THAT(cri, IsOk());
  cri_server_ = *std::move(cri);
  auto csi = rpc::Server::Start(Options().csi_socket,
                                {driver_.identity(), driver_.controller(), driver_.node()});
  ASSERT_THAT(csi, IsOk());
  csi_server_ = *std::move(csi);
  images_.present = {"busybox:1"};
}

NodeOptions PlayTest::Options() const {
  return {.cri_socket = folder_ / "cri.sock",
          .csi_socket = folder_ / "csi.sock",
          .state_directory = folder_ / "state",
          .manifests = folder_ / "shown"};
}

Result<> PlayTest::Play(const std::string& manifests, const Action& action) {
  ASSIGN_OR_RETURN(auto documents, manifest::Parse(manifests, "m.yaml"));
  ASSIGN_OR_RETURN(const Bundle bundle, MakeBundle(std::move(documents)));
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(Options().cri_socket));
  const Report report(said_, false);
  Node node(Options(), {.node_name = "here"}, std::move(cri), report);
  return action(node, bundle);
}

Result<> PlayTest::Run(const std::string& manifests) {
  return Play(manifests,
              [](Node& node, const Bundle& bundle) { return Apply(node, bundle, std::nullopt); });
}

Result<> PlayTest::RunAndWait(const std::string& manifests) {
  return Play(manifests, [](Node& node, const Bundle& bundle) {
    return Apply(node, bundle, std::chrono::seconds(5));
  });
}

Result<> PlayTest::Delete(const std::string& manifests) {
  return Play(manifests, ctl::Delete);
}

std::vector<std::string> PlayTest::Left() const {
  std::vector<std::string> files;
  const auto state = Options().state_directory;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(state).native());
  }
  return files;
}

std::vector<std::string> PlayTest::Shown() const {
  return ListDirectory(Options().manifests).value_or(std::vector<std::string>());
}

}  // namespace trivet::ctl
