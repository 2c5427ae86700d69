#!/bin/sh
# Runs the reproducers of findings, each on the debuggers that its "# Shows in:" line names, and
# prints a line for each: the finding, the debugger, its version, whether the defect shows, and the
# seconds that it took. Usage:
#
#	findings.sh [SLUG…]
#
# The debuggers are those that are installed, or GDB=/build/gdb/gdb and the like. With LADDER=1 they
# are all versions of `make ladder`, and LADDER=FOLDER is a ladder that stands elsewhere.
#
# What is seen is held to the finding's head: its lines shows:, flaky: and hides: have the versions
# that were measured. This ends with 1 if one of them does otherwise, or cannot be told.
set -eu
ladder=${LADDER-}
case $ladder in
'' | 1) ;;
*) ladder=$(cd "$ladder" && pwd) ;;
esac
cd "$(dirname "$0")/../findings"
[ "$ladder" != 1 ] || ladder=$(cd ../bin/ladder && pwd)
[ $# -gt 0 ] || set -- */

first() {
	for program; do
		command -v "$program" && return
	done
	return 1
}

# installed NAME prints the program of a debugger, and fails if there is none.
installed() {
	case $1 in
	gdb) first "${GDB:-gdb}" ;;
	gdbserver) first "${GDBSERVER:-gdbserver}" ;;
	lldb) first "${LLDB:-lldb}" lldb-22 lldb-21 lldb-20 lldb-19 ;;
	lldb-server) first "${LLDB_SERVER:-lldb-server}" lldb-server-22 lldb-server-21 \
		lldb-server-20 lldb-server-19 ;;
	delve) first "${DLV:-dlv}" ../bin/dlv ;;
	strace) first "${STRACE:-strace}" ;;
	esac
}

# programs NAME prints all programs of a debugger that are to be tried.
programs() {
	if [ -z "$ladder" ]; then
		installed "$1" || :
		return
	fi
	case $1 in
	lldb-server) ls -v "$ladder"/lldb/*/lldb-server ;;
	delve) ls -v "$ladder"/delve/*/dlv ;;
	*) ls -v "$ladder/$1"/*/"$1" ;;
	esac 2>/dev/null || :
}

# version PROGRAM prints its version.
version() {
	case ${1##*/} in
	dlv* | lldb-server*) "$1" version ;;
	*) "$1" --version ;;
	esac 2>&1 | grep -o '[0-9][0-9]*\.[0-9.]*[0-9]' | head -n 1
}

# measured SLUG DEBUGGER VERSION prints the key of the head's line that has the version: shows,
# flaky, hides, or nothing.
measured() {
	[ "$2" != lldb-server ] || set -- "$1" lldbserver "$3"
	awk -v debugger="$2" -v version="$3" '
		/^## / { exit }
		$1 == "debugger:" { here = $2 == debugger }
		here && ($1 == "shows:" || $1 == "flaky:" || $1 == "hides:") {
			for (i = 2; i <= NF; i++) if ($i == version) { sub(":", "", $1); print $1 }
		}
	' "$1/README.md"
}

# try SLUG DEBUGGER PROGRAM. A gdbserver of the ladder gets the gdb of its version.
try() {
	v=$(version "$3")
	path=$PATH
	if [ "$ladder" ] && [ "$2" = gdbserver ]; then
		path=$ladder/gdb/$v:$PATH
	fi
	start=$(date +%s)
	status=0
	said=$(PATH=$path sh "$1/repro.sh" "$3" 2>&1) || status=$?
	seconds=$(($(date +%s) - start))
	before=$(measured "$1" "$2" "$v")
	case $status:$before in
	0:hides) verdict="shows, and is known not to" ;;
	1:shows) verdict="does not show, and is known to" ;;
	0:*) verdict=shows ;;
	1:*) verdict="does not show" ;;
	*) verdict="cannot be told: $(echo "$said" | tail -n 1)" ;;
	esac
	echo "$1 $2 $v $verdict $seconds s"
	case $status:$before in
	0:hides | 1:shows) return 1 ;;
	[01]:*) ;;
	*:) [ "$ladder" ] ;; # an old debugger may not read what new compilers write
	*) return 1 ;;
	esac
}

rc=0
for finding; do
	slug=${finding%/}
	if [ ! -e "$slug" ]; then
		echo "findings: there is no finding $slug (tidcheck known lists them)" >&2
		rc=1
	fi
	[ -e "$slug/repro.sh" ] || continue
	for debugger in $(sed -n 's/^# Shows in: //p' "$slug/repro.sh"); do
		for program in $(programs "$debugger"); do
			try "$slug" "$debugger" "$program" || rc=1
		done
	done
done
exit $rc
