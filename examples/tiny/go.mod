module example.org/tiny

go 1.26.0

require (
	github.com/tidcheck/tidcheck v0.1.0
	golang.org/x/sys v0.49.0
)

require github.com/google/go-cmp v0.7.0 // indirect

replace github.com/tidcheck/tidcheck => ../..
