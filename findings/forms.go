package findings

// forms are, for each debugger, the form in which its project takes a report.
var forms = map[string]string{
	"gdb":       sourceware,
	"gdbserver": sourceware,
	"lldb":      llvm,
	"delve":     delve,
	"strace":    strace,
}

// sourceware is for https://sourceware.org/bugzilla, which shows plain text.
const sourceware = `Product: gdb
Component: {{if eq .Debugger "gdb"}}threads{{else}}server{{end}}
Version: {{.Version}}
Host, target: {{.Arch}}, Linux
Summary: {{.Summary}}

{{.Part "" "summary"}}{{.Part "Steps:" "Steps"}}{{.Part "Expected:" "Expected"}}` +
	`{{.Part "Seen:" "Seen"}}{{.Part "What the kernel does:" "What the kernel does"}}` +
	`{{.Part "Where it may be mended:" "Where it may be mended"}}` +
	`{{.Part "What is known already:" "What is known already"}}
Machine: {{.Kernel}}, {{.Arch}}, {{.System}}; {{.Compiler}}
`

// llvm is for https://github.com/llvm/llvm-project/issues, which has no form for bugs.
const llvm = `Title: [lldb] {{.Title}}
Labels: lldb

{{.Part "" "summary"}}
lldb {{.Version}}, {{.Kernel}}, {{.Arch}}, {{.System}}; {{.Compiler}}
{{.Part "### Steps" "Steps"}}{{.Part "### Expected" "Expected"}}{{.Part "### Seen" "Seen"}}` +
	`{{.Part "### What the kernel does" "What the kernel does"}}` +
	`{{.Part "### Where it may be mended" "Where it may be mended"}}` +
	`{{.Part "### What is known already" "What is known already"}}`

// delve has the questions of https://github.com/go-delve/delve/issues/new/choose.
const delve = `Title: {{.Title}}

### What version of Delve are you using (` + "`dlv version`" + `)?

{{.Version}}

### What version of Go are you using? (` + "`go version`" + `)?

{{.Go}}

### What operating system and processor architecture are you using?

{{.System}}, {{.Kernel}}, {{.Arch}}

### Description

{{.Part "" "summary"}}{{.Part "1. What did you do?" "Steps"}}` +
	`{{.Part "2. What did you expect to see?" "Expected"}}` +
	`{{.Part "3. What did you see instead?" "Seen"}}` +
	`{{.Part "What the kernel does:" "What the kernel does"}}` +
	`{{.Part "Where it may be mended:" "Where it may be mended"}}` +
	`{{.Part "What is known already:" "What is known already"}}`

// strace is for https://github.com/strace/strace/issues, which has no form.
const strace = `Title: {{.Title}}

{{.Part "" "summary"}}
strace {{.Version}}, {{.Kernel}}, {{.Arch}}, {{.System}}; {{.Compiler}}
{{.Part "### Steps" "Steps"}}{{.Part "### Expected" "Expected"}}{{.Part "### Seen" "Seen"}}` +
	`{{.Part "### What the kernel does" "What the kernel does"}}` +
	`{{.Part "### Where it may be mended" "Where it may be mended"}}` +
	`{{.Part "### What is known already" "What is known already"}}`
