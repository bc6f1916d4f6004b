package descriptors

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/container-storage-interface/spec/lib/go/csi"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const root = "../../.."

type definition struct {
	name, file string
	published  protoreflect.FileDescriptor
}

var definitions = []definition{
	{"CRI", "proto/cri/api.proto", cri.File_staging_src_k8s_io_cri_api_pkg_apis_runtime_v1_api_proto},
	{"CSI", "proto/csi/csi.proto", csi.File_csi_proto},
}

// compile runs protoc on `file` under `folder`.
func compile(t *testing.T, folder, file string) protoreflect.FileDescriptor {
	t.Helper()
	output := filepath.Join(t.TempDir(), "set")
	protoc := exec.Command("protoc", "--proto_path="+folder, "--include_imports", "--descriptor_set_out="+output, file)
	if complaint, err := protoc.CombinedOutput(); err != nil {
		t.Fatalf("protoc %s: %v\n%s", file, err, complaint)
	}
	bytes, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(bytes, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := files.FindFileByPath(file)
	if err != nil {
		t.Fatal(err)
	}
	return descriptor
}

func TestOurDefinitionsSayWhatThePublishedOnesSay(t *testing.T) {
	for _, definition := range definitions {
		t.Run(definition.name, func(t *testing.T) {
			published := FactsOf(definition.published)
			if len(published) < 500 {
				t.Fatalf("only %d facts published", len(published))
			}

			found := Differences(FactsOf(compile(t, root, definition.file)), published)

			for _, difference := range found {
				t.Error(difference)
			}
			t.Logf("%d facts compared", len(published))
		})
	}
}

// A comparison that misses a mistake is worth nothing: each of these must be found.
func TestComparisonFindsEachKindOfMistake(t *testing.T) {
	csi, cri := definitions[1], definitions[0]
	for _, mistake := range []struct {
		name, old, new string
		in             definition
		found          string
	}{
		{"FieldNumber", "string target_path = 4;", "string target_path = 14;", csi, "NodePublishVolumeRequest.target_path"},
		{"FieldName", "string target_path = 4;", "string path = 4;", csi, "NodePublishVolumeRequest.target_path: missing"},
		{"FieldType", "int32 exit_code = 3;", "int64 exit_code = 3;", cri, "ExecSyncResponse.exit_code"},
		{"FieldLabel", "repeated string cmd = 2;", "string cmd = 2;", cri, "ExecSyncRequest.cmd"},
		{"Oneof", "BlockVolume block = 1;", "BlockVolume block_volume = 1;", csi, "VolumeCapability.block"},
		{"EnumValue", "CONTAINER_EXITED = 2;", "CONTAINER_EXITED = 4;", cri, "ContainerState.CONTAINER_EXITED"},
		{"Streaming", "returns (stream ContainerEventResponse)", "returns (ContainerEventResponse)", cri, "RuntimeService.GetContainerEvents"},
		{"CallName", "rpc Probe(", "rpc Probes(", csi, "Identity.Probe"},
		{"Addition", "message ProbeRequest {}", "message ProbeRequest { bool deep = 1; }", csi, "ProbeRequest.deep: not published"},
		{"Reserved", "reserved 11;", "", csi, "ControllerServiceCapability.RPC.Type"},
		{"Secret", "secrets = 5 [(csi_secret) = true];", "secrets = 5;", csi, "secrets"},
	} {
		t.Run(mistake.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, mistake.in.file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), mistake.old) {
				t.Fatalf("%s has no %q to change", mistake.in.file, mistake.old)
			}
			folder := t.TempDir()
			changed := strings.Replace(string(text), mistake.old, mistake.new, 1)
			if err := os.WriteFile(filepath.Join(folder, "changed.proto"), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}

			found := Differences(FactsOf(compile(t, folder, "changed.proto")), FactsOf(mistake.in.published))

			if len(found) == 0 || !strings.Contains(strings.Join(found, "\n"), mistake.found) {
				t.Errorf("not found: %s in %q", mistake.found, found)
			}
		})
	}
}
