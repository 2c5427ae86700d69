#!/bin/sh
# Runs a program that is killed while one of its threads is in vfork, up to 10 times.
# Shows in: gdb gdbserver lldb
# Usage: repro.sh DEBUGGER. Ends with 0 if the defect shows, 1 if not, 2 where that cannot be told.
set -eu
debugger=${1:?usage: repro.sh DEBUGGER}
here=$(dirname "$0")
folder=$(mktemp -d)
export REPRO="$folder" # marks all that runs from here

# shellcheck disable=SC2046,SC2317
clean() {
	exec 2>/dev/null
	kill -9 $(grep -ls "REPRO=$folder" /proc/[0-9]*/task/[0-9]*/environ | cut -d/ -f3 | uniq) || :
	rm -rf "$folder"
}
trap clean EXIT
trap 'exit 2' HUP INT TERM
# shellcheck disable=SC3045
ulimit -c 0 # a debugger that crashes leaves no core file

unclear() {
	echo "cannot tell: $1"
	exit 2
}
command -v "$debugger" >/dev/null || unclear "there is no $debugger"
cc -O1 -g -pthread -o "$folder/program" "$here/repro.c" || unclear "cc fails"
export HOME="$folder" XDG_CONFIG_HOME="$folder" # debuggers keep their histories there
case ${debugger##*/} in
lldb-server*) unclear "this does not know how to use $debugger" ;;
gdbserver*) set -- gdb -nx -batch -ex "target remote | $debugger - $folder/program" -ex continue ;;
gdb*) set -- "$debugger" -nx -batch -ex run "$folder/program" ;;
lldb*) set -- "$debugger" -x -b -o run "$folder/program" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
end=$(($(date +%s) + 15))
for round in 1 2 3 4 5 6 7 8 9 10; do
	test "$(date +%s)" -lt "$end" || break
	timeout --foreground -s KILL 10 "$@" </dev/null >"$folder/log" 2>&1 || :
	grep -E 'SIGKILL|status = 9' "$folder/log" && continue
	# The child of the vfork ends a moment later.
	timeout 5 sh -c 'until grep -q good: "$1"; do :; done' - "$folder/log" ||
		unclear "$(tail -n 1 "$folder/log")"
	tail -n 3 "$folder/log"
	echo "BAD: in round $round the debugger did not say that the process was killed"
	exit 0
done
echo "good: the debugger told of the process's end in $round rounds"
exit 1
