// The reference plugins at the version that Debian 12 has: the second set of specs of the suite cni-reference.
module trivet/conformance/cni-reference-1.1.1

go 1.26.0

require github.com/containernetworking/plugins v1.1.1
