# README's two commands are demo and test; each does all its set-up.
.PHONY: build test soak rooms lint demo examples debuggers packages ladder conformance findings \
	fixtures bench kernels mutants mutants-judge mutants-tracer page clean FORCE

TOOL = go tool -modfile=tools/go.mod

build:
	go build -o bin/tidcheck ./cmd/tidcheck

# One package at a time: their time limits are for a machine that does little else.
test:
	go test -p 1 ./...

# What is looked for by repeating, ten times as often; some minutes.
soak:
	TIDCHECK_SOAK=1 go test -timeout 60m ./...

# The whole suite on machines that grant less, as root builds them (internal/rooms): some hours.
ROOMS = .*
rooms:
	TIDCHECK_ROOMS='$(ROOMS)' go test -timeout 12h -v -run WholeSuite ./internal/rooms

lint:
	@unformatted=$$($(TOOL) gofumpt -l .); test -z "$$unformatted" || { echo "gofumpt would change: $$unformatted"; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	GOARCH=arm64 go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go build ./... # its tests are darwin's

# The lesson's tracer must be caught: status 1 is what is expected of the second command.
demo: build bin/fork
	bin/tidcheck trace -- bin/fork n=3 interval=100ms rest=50ms linger=0
	@echo
	@echo "The next ends with status 1, since book, the tracer of a lesson, is wrong on purpose:"
	@echo "it follows the main thread alone, swallows signals and leaves new threads stopped."
	@echo
	bin/tidcheck run --run '^(fork|thread_nested|signal_one_thread|locked)/' reference book; status=$$?; \
	test $$status = 1 && echo "status 1, as expected" || { echo "status $$status, and 1 was expected"; exit 1; }

# The debuggers that Debian has, and in bin the delve that tools/delve/go.mod names. Of two LLDBs one alone can be
# installed, for their Python modules, which nothing here needs: the older is unpacked, and its libraries are installed.
# What ./... means to a go command beside it has no folder that begins with a dot.
debuggers: packages bin/lldb-14
	cd tools/delve && go build -o $(CURDIR)/bin/dlv github.com/go-delve/delve/cmd/dlv

packages:
	apt-get update
	apt-get install -y gdb gdbserver lldb-19 strace liblldb-14 libclang-cpp14 libllvm14

bin/lldb-14: | packages
	rm -rf bin/.lldb-14 && mkdir -p bin/.lldb-14
	cd bin/.lldb-14 && apt-get download lldb-14 && dpkg-deb -x lldb-14_*.deb . && rm lldb-14_*.deb
	mv bin/.lldb-14 $@

# Debuggers of many versions, in bin/ladder, for `tidcheck run gdb@18.1`.
ladder:
	sh tools/ladder/ladder.sh bin/ladder

# The debuggers on this machine, held to the quick set and to what is known of them.
conformance:
	PATH="$(CURDIR)/bin:$$PATH" TIDCHECK_DEBUGGERS=1 go test -p 1 ./debuggers/...

# The reproducers of findings, on the debuggers of this machine, or with LADDER=1 on those of
# `make ladder`; SLUGS names some.
findings:
	LADDER='$(LADDER)' sh tools/findings.sh $(SLUGS)

# Debuggers of a user's own: one in Go, as a module of its own, and two that print JSON lines.
examples: build
	cd examples/tiny && go vet ./... && go test ./...
	@mkdir -p bin
	$(CC) -O1 -g -Wall -Wextra -Werror -o bin/tiny examples/other/tiny.c
	bin/tidcheck run --run '^(fork|locked|thread_nested|exec_from_thread|exit_leader_first|vfork_from_thread|attach_idle)/' --command bin/tiny tiny
	if command -v python3 >/dev/null; then \
		bin/tidcheck run --run '^(fork|locked|thread_nested|exec_from_thread|attach_idle)/' \
			--command 'python3 examples/other/tiny.py' tiny.py; \
	else echo 'examples/other/tiny.py is skipped: there is no python3'; fi


# The C programs by hand: bin/fork, bin/thread_nested n=..., without the harness.
fixtures: $(patsubst cfixtures/%.c,bin/%,$(filter-out cfixtures/keeper.c,$(wildcard cfixtures/*.c)))
	for folder in $(dir $(wildcard fixtures/*/main.go)); do go build -o bin/ ./$$folder || exit 1; done

bin/%: cfixtures/%.c $(wildcard cfixtures/*.h)
	@mkdir -p bin
	$(CC) -O1 -g -Wall -Wextra -pthread -o $@ $<

bench:
	go test -timeout 60m -run '^$$' -bench . -benchtime 5x ./...

# The reference tracer under the kernels of other Debian releases, in machines that qemu emulates.
# It needs Debian on amd64, and qemu-system-x86; some ten minutes.
kernels:
	cd tools && CGO_ENABLED=0 go build -o $(CURDIR)/bin/.kernels/kernels ./kernels
	bin/.kernels/kernels $(SUITES)

# How much of judge's and tracer's code their tests hold: judge's takes ten minutes, tracer's an
# hour or two. Tests of storms and of thousands of tasks would make it days, and judge's table of
# cells takes longer than its other tests together: what it alone would kill counts as alive. The
# limits are for a machine that does other things too; a mutant that loops takes them whole.
mutants: mutants-judge mutants-tracer

mutants-judge: bin/mutants
	nice -n 19 bin/mutants $(EQUIVALENT) -least 95 -limit 30s -skip EachCell ./judge

mutants-tracer: bin/mutants
	nice -n 19 bin/mutants $(EQUIVALENT) -least 90 -limit 60s -skip '$(SLOW)' ./tracer

bin/mutants: FORCE
	cd tools && go test ./mutants && go build -o $(CURDIR)/bin/mutants ./mutants

FORCE:

EQUIVALENT = -equivalent tools/mutants/equivalent.txt
SLOW = ManyThreads|SignalsAreHandled|Hostile|Storm|HidesItself|Exhausts|DoNotDisturb|WithoutItsWaker

# The page in Chromium, and the JSON by its schema: a module of its own, with tools that users of
# the suite are not to inherit. axe-core is npm's.
AXE = axe-core-4.14.1
page:
	@mkdir -p bin/.axe
	cd bin/.axe && if which npm >/dev/null && test ! -e package/axe.min.js; then \
		npm pack --silent $(subst core-,core@,$(AXE)) && tar xzf $(AXE).tgz package/axe.min.js; fi
	cd tools/page && go vet . && \
		TIDCHECK_AXE=$$(ls $(CURDIR)/bin/.axe/package/axe.min.js 2>/dev/null) go test -count=1 .

clean:
	rm -rf bin
