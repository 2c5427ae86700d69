module github.com/tidcheck/tidcheck

go 1.26.0

require github.com/google/go-cmp v0.7.0

require golang.org/x/sys v0.49.0

require gotest.tools/v3 v3.5.2
