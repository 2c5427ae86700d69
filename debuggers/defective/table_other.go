//go:build !linux || !(amd64 || arm64)

package defective

// Defects are none where there is no tracer.
var Defects []Defect
