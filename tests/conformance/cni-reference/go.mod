// The reference plugins at the version whose specs the suite cni-reference runs. They are built and run in a
// copy of the module, with the dependencies that its own go.sum pins: "go mod tidy" would see no use of it here.
module trivet/conformance/cni-reference

go 1.26.0

require github.com/containernetworking/plugins v1.9.1
