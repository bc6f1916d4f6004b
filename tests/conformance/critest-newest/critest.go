// Package critest keeps in go.mod what the newest critest is built from. critest is a test binary
// (`go test -c sigs.k8s.io/cri-tools/cmd/critest`), and a tool line does not reach test files.
package critest

import (
	_ "github.com/onsi/ginkgo/v2"
	_ "github.com/onsi/gomega"
	_ "sigs.k8s.io/cri-tools/pkg/benchmark"
	_ "sigs.k8s.io/cri-tools/pkg/framework"
	_ "sigs.k8s.io/cri-tools/pkg/validate"
)
