#!/bin/sh
# Runs a program whose process is killed in the middle of its fork, and follows all processes.
# Shows in: gdb gdbserver
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
gdbserver*)
	set -- gdb -nx -batch -ex "set detach-on-fork off" -ex "set schedule-multiple on" \
		-ex "target extended-remote | $debugger - $folder/program" \
		-ex continue -ex "inferior 1" -ex continue
	;;
gdb*)
	set -- "$debugger" -nx -batch -ex "set detach-on-fork off" -ex "set schedule-multiple on" \
		-ex run -ex "inferior 1" -ex continue "$folder/program"
	;;
strace*) set -- "$debugger" -f -o /dev/null "$folder/program" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
status=0
timeout --foreground -s KILL 15 "$@" </dev/null >"$folder/log" 2>&1 || status=$?
grep -o 'BAD: .*' "$folder/log" && exit 0
tail -n 3 "$folder/log"
# A program that is let go now may still say that it is good.
if [ "$status" = 137 ] && grep -q 'New inferior' "$folder/log"; then
	echo "BAD: the program did not come to its end in 15 seconds"
	exit 0
fi
grep -q 'good: ' "$folder/log" || unclear "the debugger ended with $status"
exit 1
