#!/bin/sh
# Runs the reproducers of findings on the debuggers that are installed, each on those that its
# "# Shows in:" line names, and prints a line for each: the finding, the debugger, its version,
# whether the defect shows, and the seconds that it took. Usage:
#
#	findings.sh [SLUG…]
#
# It ends with 1 if one could not be told. GDB=/build/gdb/gdb and the like name other builds.
set -eu
cd "$(dirname "$0")/../findings"
[ $# -gt 0 ] || set -- */

first() {
	for program; do
		command -v "$program" && return
	done
	return 1
}

# program NAME prints the program of a debugger, and fails if there is none.
program() {
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

# version PROGRAM prints its version.
version() {
	case ${1##*/} in
	dlv* | lldb-server*) "$1" version ;;
	*) "$1" --version ;;
	esac 2>&1 | grep -o '[0-9][0-9]*\.[0-9.]*[0-9]' | head -n 1
}

rc=0
for finding; do
	slug=${finding%/}
	if [ ! -e "$slug" ]; then
		echo "findings: there is no finding $slug (tidcheck known lists them)" >&2
		rc=1
	fi
	[ -e "$slug/repro.sh" ] || continue
	debuggers=$(sed -n 's/^# Shows in: //p' "$slug/repro.sh")
	for debugger in $debuggers; do
		path=$(program "$debugger") || continue
		start=$(date +%s)
		status=0
		said=$(sh "$slug/repro.sh" "$path" 2>&1) || status=$?
		case $status in
		0) verdict=shows ;;
		1) verdict="does not show" ;;
		*)
			verdict="cannot be told: $(echo "$said" | tail -n 1)"
			rc=1
			;;
		esac
		echo "$slug $debugger $(version "$path") $verdict $(($(date +%s) - start)) s"
	done
done
exit $rc
