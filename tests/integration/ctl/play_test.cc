// What `run` and `delete` ask of the runtime and of the driver, and in which order.

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/integration/ctl/play_fixture.h"
#include "tests/testing/directories.h"

namespace trivet::ctl {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;

const std::string kNamespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\n";
const std::string kPolicy =
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: n}\n"
    "spec: {podSelector: {}}\n---\n";
const std::string kClaim =
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: n}\n"
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}\n---\n";

std::string PodOf(const std::string& name, const std::string& spec) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: n}\nspec: {" + spec +
         "}\n---\n";
}

std::string PodWithVolume(const std::string& name, const std::string& more = "") {
  return PodOf(name,
               "containers: [{name: main, image: 'busybox:1', volumeMounts: [{name: v, mountPath: "
               "/v}]}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]" +
                   more);
}

const std::string kPlain = PodOf("p", "containers: [{name: main, image: 'busybox:1'}]");
const std::string kEverything =
    kNamespace + kPolicy + kClaim +
    PodWithVolume("p",
                  ", initContainers: [{name: first, image: 'busybox:1'}, "
                  "{name: second, image: 'busybox:1'}]");

TEST_F(PlayTest, MakesVolumesThenTheSandboxThenTheContainersInOrder) {
  runtime_.SetShortLived({"first", "second"});
  ASSERT_THAT(RunAndWait(kEverything), IsOk());
  EXPECT_THAT(
      calls_.Take(),
      ElementsAre("CreateVolume", "NodeStageVolume v1", "NodePublishVolume v1", "RunPodSandbox p",
                  "CreateContainer first", "StartContainer first", "CreateContainer second",
                  "StartContainer second", "CreateContainer main", "StartContainer main"));
}

TEST_F(PlayTest, GivesPodsWithoutHostUsersIdsOfTheirOwn) {
  const std::string spec = "hostUsers: false, containers: [{name: main, image: 'busybox:1'}]";
  ASSERT_THAT(Run(kNamespace + PodOf("a", spec) + PodOf("b", spec)), IsOk());
  const auto user = [](const auto& security) {
    return security.namespace_options().userns_options().uids(0);
  };
  const auto sandboxes = runtime_.SandboxConfigs();
  EXPECT_EQ(user(sandboxes.at("a").linux().security_context()).host_id(), 65536u);
  EXPECT_EQ(user(sandboxes.at("b").linux().security_context()).host_id(), 131072u);
  const auto container = runtime_.ContainerConfigs().at("main");
  EXPECT_EQ(user(container.linux().security_context()).host_id(), 131072u);
  ASSERT_GT(container.mounts_size(), 0);
  EXPECT_EQ(container.mounts(0).gidmappings(0).length(), 65536u);
}

TEST_F(PlayTest, AsksForTheLabelsOfTheManifest) {
  const std::string spec =
      "securityContext: {seLinuxOptions: {level: 's0:c1'}}, containers: [{name: main, image: "
      "'busybox:1'}, {name: own, image: 'busybox:1', securityContext: {seLinuxOptions: {type: "
      "spc_t}}}]";
  ASSERT_THAT(Run(kNamespace + PodOf("p", spec)), IsOk());
  const auto label = [](const auto& config) {
    return config.linux().security_context().selinux_options();
  };
  EXPECT_EQ(label(runtime_.SandboxConfigs().at("p")).level(), "s0:c1");
  const auto containers = runtime_.ContainerConfigs();
  EXPECT_EQ(label(containers.at("main")).level(), "s0:c1");
  EXPECT_EQ(label(containers.at("own")).type(), "spc_t");
  EXPECT_EQ(label(containers.at("own")).level(), "");
}

TEST_F(PlayTest, StartsAContainerAgainWithTheIdsThatThePodHas) {
  const std::string pod =
      kNamespace + PodOf("p", "hostUsers: false, containers: [{name: main, image: 'busybox:1'}]");
  runtime_.SetShortLived({"main"});
  ASSERT_THAT(Run(pod), IsOk());
  calls_.Take();
  ASSERT_THAT(Run(pod), IsOk());
  EXPECT_THAT(calls_.Take(), ElementsAre("CreateContainer main", "StartContainer main"));
  const auto again = runtime_.ContainerConfigs().at("main");
  EXPECT_EQ(again.metadata().attempt(), 1u);
  ASSERT_EQ(again.mounts(0).uidmappings_size(), 1);
  EXPECT_EQ(again.mounts(0).uidmappings(0).host_id(), 65536u);
}

TEST_F(PlayTest, DeletesInTheOppositeOrderAndLeavesNothing) {
  runtime_.SetShortLived({"first", "second"});
  ASSERT_THAT(Run(kEverything), IsOk());
  calls_.Take();
  ASSERT_THAT(Delete(kEverything), IsOk());
  EXPECT_THAT(calls_.Take(),
              ElementsAre("StopContainer main", "StopPodSandbox p", "RemoveContainer main",
                          "RemoveContainer second", "RemoveContainer first", "RemovePodSandbox p",
                          "NodeUnpublishVolume v1", "NodeUnstageVolume v1", "DeleteVolume v1"));
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_THAT(Shown(), IsEmpty());
  EXPECT_THAT(driver_.Volumes(), IsEmpty());
}

TEST_F(PlayTest, DoesNothingTheSecondTime) {
  runtime_.SetShortLived({"first", "second"});
  ASSERT_THAT(Run(kEverything), IsOk());
  calls_.Take();
  ASSERT_THAT(Run(kEverything), IsOk());
  // Staging and publishing are asked for again: only the driver knows whether they still hold.
  EXPECT_THAT(calls_.Take(), ElementsAre("NodeStageVolume v1", "NodePublishVolume v1"));
  ASSERT_THAT(Delete(kEverything), IsOk());
  calls_.Take();
  ASSERT_THAT(Delete(kEverything), IsOk());
  EXPECT_THAT(calls_.Take(), IsEmpty());
}

TEST_F(PlayTest, SaysEachStepWithItsTime) {
  runtime_.SetShortLived({"first", "second"});
  ASSERT_THAT(RunAndWait(kEverything), IsOk());
  for (const char* step :
       {" ms  namespace n\n", " ms  network policy n/deny\n", " ms  volume created n/data: v1, 64 ",
        " ms  volume staged n/data\n", " ms  volume published n/data\n",
        " ms  sandbox n/p: 10.0.0.1", " ms  init container ended n/p: first",
        " ms  container started n/p: main", " ms  pod runs n/p\n"}) {
    EXPECT_THAT(Said(), HasSubstr(step));
  }
}

TEST_F(PlayTest, ShowsTheAgentNamespacesPoliciesAndPodsWithAddressesAndNoClaims) {
  ASSERT_THAT(Run(kNamespace + kPolicy + kClaim + PodWithVolume("p")), IsOk());
  EXPECT_THAT(Shown(),
              ElementsAre("Namespace_n.json", "NetworkPolicy_n_deny.json", "Pod_n_p.json"));
  EXPECT_THAT(ReadFile(Options().manifests / "Pod_n_p.json").value_or(""),
              HasSubstr("\"podIP\": \"10.0.0.1\""));
}

// Every call that changes something, failing once: the run says so, the next one gets there, and
// deleting leaves nothing, also right after the failure.
class PlayFailing : public PlayTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(PlayFailing, IsFinishedByTheNextRun) {
  driver_.controller_publish = true;
  runtime_.SetShortLived({"first", "second"});
  calls_.FailNext(GetParam(), "lightning");
  EXPECT_THAT(Run(kEverything), FailsWith(Code::kInternal, "lightning"));
  ASSERT_THAT(RunAndWait(kEverything), IsOk());
  EXPECT_THAT(driver_.Volumes(), SizeIs(1));
  EXPECT_THAT(runtime_.SandboxConfigs(), SizeIs(1));
  ASSERT_THAT(Delete(kEverything), IsOk());
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_P(PlayFailing, IsUndoneByDelete) {
  driver_.controller_publish = true;
  runtime_.SetShortLived({"first", "second"});
  calls_.FailNext(GetParam(), "lightning");
  EXPECT_THAT(Run(kEverything), FailsWith(Code::kInternal, "lightning"));
  ASSERT_THAT(Delete(kEverything), IsOk());
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_THAT(Shown(), IsEmpty());
  EXPECT_THAT(driver_.Volumes(), IsEmpty());
  EXPECT_THAT(runtime_.SandboxConfigs(), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(At, PlayFailing,
                         ::testing::Values("CreateVolume", "ControllerPublishVolume",
                                           "NodeStageVolume", "NodePublishVolume", "RunPodSandbox",
                                           "CreateContainer", "StartContainer"),
                         [](const auto& row) { return std::string(row.param); });

class DeleteFailing : public PlayTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(DeleteFailing, IsFinishedByTheNextDelete) {
  driver_.controller_publish = true;
  ASSERT_THAT(Run(kNamespace + kClaim + PodWithVolume("p")), IsOk());
  calls_.FailNext(GetParam(), "lightning");
  EXPECT_THAT(Delete(kNamespace), FailsWith(Code::kInternal, "lightning"));
  ASSERT_THAT(Delete(kNamespace), IsOk());
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_THAT(Shown(), IsEmpty());
  EXPECT_THAT(driver_.Volumes(), IsEmpty());
  EXPECT_THAT(runtime_.SandboxConfigs(), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(At, DeleteFailing,
                         ::testing::Values("StopContainer", "StopPodSandbox", "RemoveContainer",
                                           "RemovePodSandbox", "NodeUnpublishVolume",
                                           "NodeUnstageVolume", "ControllerUnpublishVolume",
                                           "DeleteVolume"),
                         [](const auto& row) { return std::string(row.param); });

TEST_F(PlayTest, KeepsTheVolumeOfAPodThatIsDeletedAndMadeAgain) {
  ASSERT_THAT(Run(kNamespace + kClaim + PodWithVolume("p")), IsOk());
  const auto volumes = driver_.Volumes();
  ASSERT_THAT(Delete(PodWithVolume("p")), IsOk());
  EXPECT_EQ(driver_.Volumes(), volumes);
  calls_.Take();

  ASSERT_THAT(Run(kNamespace + kClaim + PodWithVolume("p")), IsOk());
  EXPECT_EQ(driver_.Volumes(), volumes);
  EXPECT_THAT(calls_.Take(),
              ElementsAre("NodeStageVolume v1", "NodePublishVolume v1", "RunPodSandbox p",
                          "CreateContainer main", "StartContainer main"));
}

TEST_F(PlayTest, UnstagesAVolumeOnlyWithItsLastPod) {
  ASSERT_THAT(Run(kNamespace + kClaim + PodWithVolume("p") + PodWithVolume("q")), IsOk());
  calls_.Take();
  ASSERT_THAT(Delete(PodWithVolume("p")), IsOk());
  EXPECT_THAT(calls_.Take(), Not(Contains("NodeUnstageVolume v1")));
  ASSERT_THAT(Delete(PodWithVolume("q")), IsOk());
  EXPECT_THAT(calls_.Take(), Contains("NodeUnstageVolume v1"));
}

TEST_F(PlayTest, DoesNotDeleteAClaimThatAPodUses) {
  ASSERT_THAT(Run(kNamespace + kClaim + PodWithVolume("p")), IsOk());
  calls_.Take();
  EXPECT_THAT(Delete(kClaim),
              FailsWith(Code::kFailedPrecondition, "delete claim n/data: pod n/p uses it"));
  EXPECT_THAT(calls_.Take(), IsEmpty());
}

TEST_F(PlayTest, MakesASandboxAnewThatIsNotReadyAnyMore) {
  ASSERT_THAT(Run(kNamespace + kPlain), IsOk());
  runtime_.LoseEverything();
  calls_.Take();
  ASSERT_THAT(Run(kNamespace + kPlain), IsOk());
  EXPECT_THAT(calls_.Take(), ElementsAre("StopPodSandbox p", "RunPodSandbox p",
                                         "CreateContainer main", "StartContainer main"));
  ASSERT_THAT(Delete(kNamespace), IsOk());
  EXPECT_THAT(runtime_.SandboxConfigs(), IsEmpty());
}

TEST_F(PlayTest, StopsAtAnInitContainerThatFails) {
  runtime_.SetShortLived({"first"});
  runtime_.SetExitCode(3);
  EXPECT_THAT(Run(kEverything),
              FailsWith(Code::kFailedPrecondition, "init container first: ended with exit code 3"));
  EXPECT_THAT(calls_.Take(), Not(Contains("CreateContainer second")));
}

TEST_F(PlayTest, PullsWhatIsNotThereBeforeAnythingIsMade) {
  images_.present.clear();
  images_.pullable = {"busybox:1"};
  ASSERT_THAT(Run(kNamespace + kPlain), IsOk());
  EXPECT_EQ(calls_.Take().front(), "PullImage busybox:1");
}

// What is wrong with the node or the manifests: said before anything is made.
struct Refused {
  const char* name;
  std::string manifests;
  Code code;
  const char* message;
};
void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}
class PlayRefuses : public PlayTest, public ::testing::WithParamInterface<Refused> {};

TEST_P(PlayRefuses, AndMakesNothing) {
  images_.user = 0;
  EXPECT_THAT(Run(GetParam().manifests), FailsWith(GetParam().code, GetParam().message));
  EXPECT_THAT(calls_.Take(), Each(HasSubstr("PullImage")));
  EXPECT_FALSE(std::filesystem::exists(Options().state_directory));
  EXPECT_THAT(Shown(), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(
    Of, PlayRefuses,
    ::testing::Values(
        Refused{"NoNamespace", kPlain, Code::kNotFound,
                "m.yaml:1: metadata.namespace: namespace \"n\" does not exist"},
        Refused{"PolicyWithoutNamespace", kPolicy, Code::kNotFound, "namespace \"n\""},
        Refused{"NoClaim", kNamespace + PodWithVolume("p"), Code::kNotFound,
                "spec.volumes: claim n/data does not exist"},
        Refused{"NoImage", kNamespace + PodOf("p", "containers: [{name: main, image: 'other:1'}]"),
                Code::kNotFound, "container main: image other:1: other:1 does not exist; import"},
        Refused{"NeverPulled",
                kNamespace + PodOf("p",
                                   "containers: [{name: main, image: 'other:1', "
                                   "imagePullPolicy: Never}]"),
                Code::kNotFound, "imagePullPolicy is Never"},
        Refused{"RootInANonRootPod",
                kNamespace + PodOf("p",
                                   "securityContext: {runAsNonRoot: true}, containers: "
                                   "[{name: main, image: 'busybox:1'}]"),
                Code::kFailedPrecondition, "m.yaml:5: container main: runAsNonRoot"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(PlayTest, RefusesAPodThatIsThereWithAnotherManifest) {
  ASSERT_THAT(Run(kNamespace + kPlain), IsOk());
  calls_.Take();
  const std::string other = PodOf("p", "containers: [{name: other, image: 'busybox:1'}]");
  EXPECT_THAT(Run(other), FailsWith(Code::kAlreadyExists, "Pod n/p is there with another"));
  EXPECT_THAT(calls_.Take(), IsEmpty());
}

TEST_F(PlayTest, SaysWhichSocketNobodyServes) {
  ASSERT_THAT(Run(kNamespace), IsOk());
  std::filesystem::remove(Options().csi_socket);
  EXPECT_THAT(Run(kNamespace + kClaim), FailsWith(Code::kUnavailable, "csi.sock"));
  std::filesystem::remove(Options().cri_socket);
  EXPECT_THAT(Run(kNamespace), FailsWith(Code::kUnavailable, "cri.sock"));
}

TEST_F(PlayTest, ExecutesTheWordsAsTheyWereGiven) {
  ASSERT_THAT(Run(kNamespace + kPlain), IsOk());
  runtime_.SetExitCode(3);
  const auto exec = [&](std::vector<std::string> words) {
    std::vector<std::string> args{"--cri-socket", "unix://" + Options().cri_socket.native(), "exec",
                                  "n/p"};
    args.insert(args.end(), words.begin(), words.end());
    const auto output =
        RunCommand({.program = testing::BinDirectory() / "trivetctl", .args = args});
    EXPECT_THAT(output, IsOk());
    EXPECT_EQ(output->exit_code, 3) << output->err;
    return output->out;
  };
  EXPECT_EQ(exec({"--", "set", R"(["a","b"])", "", "[]", "-c", "--", "--help"}),
            "set\n[\"a\",\"b\"]\n\n[]\n-c\n--\n--help\n");
  EXPECT_EQ(exec({"ls", "/"}), "ls\n/\n");
}

}  // namespace
}  // namespace trivet::ctl
