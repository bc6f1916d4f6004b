// What a container is given for each kind of volume.

#include <sys/stat.h>

#include "common/linux/mount.h"
#include "tests/integration/ctl/play_fixture.h"

namespace trivet::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;

std::string PodWith(const std::string& volume, const std::string& mount = "") {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {securityContext: {fsGroup: 77}, "
         "containers: [{name: main, image: 'busybox:1', volumeMounts: [{name: v, mountPath: /v" +
         mount + "}]}], volumes: [{name: v, " + volume + "}]}\n";
}

const std::string kClaim =
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}\n---\n";

class VolumesTest : public PlayTest {
 protected:
  // The mount of /v in the container.
  ::runtime::v1::Mount MountOfV() {
    const auto configs = runtime_.ContainerConfigs();
    for (const auto& mount : configs.at("main").mounts()) {
      if (mount.container_path() == "/v") return mount;
    }
    ADD_FAILURE() << "nothing is mounted at /v";
    return {};
  }

  struct stat StatusOfV() {
    struct stat status{};
    EXPECT_EQ(::stat(MountOfV().host_path().c_str(), &status), 0) << MountOfV().host_path();
    return status;
  }
};

TEST_F(VolumesTest, EmptyDirIsAFolderOfThePodThatAnybodyMayWrite) {
  ASSERT_THAT(Run(PodWith("emptyDir: {}")), IsOk());
  EXPECT_EQ(StatusOfV().st_mode & 0777, 0777U);
  EXPECT_EQ(StatusOfV().st_gid, 77U);
  const std::filesystem::path folder = MountOfV().host_path();
  EXPECT_FALSE(*IsMountPoint(folder));

  ASSERT_THAT(Delete(PodWith("emptyDir: {}")), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(VolumesTest, EmptyDirOfMemoryIsATmpfsThatGoesWithThePod) {
  const std::string pod = PodWith("emptyDir: {medium: Memory, sizeLimit: 1Mi}");
  ASSERT_THAT(Run(pod), IsOk());
  ASSERT_THAT(Run(pod), IsOk());
  const std::filesystem::path folder = MountOfV().host_path();
  EXPECT_TRUE(*IsMountPoint(folder));

  ASSERT_THAT(Delete(pod), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(VolumesTest, HostPathIsTheFolderItself) {
  folder_.Fill({{"host/file", "text"}});
  const std::string path = (folder_ / "host").native();
  ASSERT_THAT(Run(PodWith("hostPath: {path: " + path + ", type: Directory}", ", readOnly: true")),
              IsOk());
  EXPECT_EQ(MountOfV().host_path(), path);
  EXPECT_TRUE(MountOfV().readonly());

  ASSERT_THAT(Delete(PodWith("hostPath: {path: " + path + "}")), IsOk());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "host/file"));
}

TEST_F(VolumesTest, HostPathIsMadeOnlyWhereItsTypeSaysSo) {
  const std::string path = (folder_ / "new").native();
  EXPECT_THAT(Run(PodWith("hostPath: {path: " + path + ", type: Directory}")),
              FailsWith(Code::kFailedPrecondition, "new: not there as a Directory"));
  ASSERT_THAT(Delete(PodWith("hostPath: {path: " + path + "}")), IsOk());
  EXPECT_THAT(Run(PodWith("hostPath: {path: " + path + ", type: DirectoryOrCreate}")), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "new"));
}

TEST_F(VolumesTest, HostPathWithoutATypeIsLeftToTheRuntime) {
  const std::string path = (folder_ / "new").native();
  ASSERT_THAT(Run(PodWith("hostPath: {path: " + path + "}")), IsOk());
  EXPECT_EQ(MountOfV().host_path(), path);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
}

TEST_F(VolumesTest, ClaimIsWhereTheDriverPublishedItAndBelongsToTheGroup) {
  const std::string pod = PodWith("persistentVolumeClaim: {claimName: data}");
  ASSERT_THAT(Run(kClaim + pod), IsOk());
  EXPECT_THAT(MountOfV().host_path(), HasSubstr("/volumes/kubernetes.io~csi/pvc-"));
  EXPECT_EQ(StatusOfV().st_gid, 77U);
  EXPECT_EQ(StatusOfV().st_mode & S_ISGID, static_cast<mode_t>(S_ISGID));
}

TEST_F(VolumesTest, SubPathIsThatPartOfTheVolumeAndGoesWithThePod) {
  const std::string pod = PodWith("emptyDir: {}", ", subPath: a/b");
  ASSERT_THAT(Run(pod), IsOk());
  const std::filesystem::path folder = MountOfV().host_path();
  EXPECT_TRUE(*IsMountPoint(folder));
  ASSERT_THAT(Delete(pod), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(VolumesTest, KindsThatAreNotPlayedAreNamed) {
  for (const char* kind : {"configMap: {name: c}", "secret: {secretName: s}", "nfs: {path: /}",
                           "projected: {sources: []}", "downwardAPI: {}"}) {
    EXPECT_THAT(Run(PodWith(kind)), FailsWith(Code::kInvalidArgument, "spec.volumes[0]."));
  }
}

}  // namespace
}  // namespace trivet::ctl
