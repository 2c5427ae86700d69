//go:build !linux || !(amd64 || arm64)

package innocent

// Innocents are none where there is no tracer.
var Innocents []Innocent
