#!/bin/sh
# Runs a program whose second thread executes it again.
# Shows in: gdb
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
gdbserver*) unclear "this does not know how to use $debugger" ;;
gdb*) set -- "$debugger" -nx -batch -ex run "$folder/program" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
timeout --foreground -s KILL 15 "$@" </dev/null >"$folder/log" 2>&1 || :
thread=$(sed -n 's/^thread \([0-9]*\) executes.*/\1/p' "$folder/log")
test "$thread" || unclear "$(tail -n 1 "$folder/log")"
if grep -E "LWP $thread\b.* exited" "$folder/log"; then
	echo "BAD: the debugger says that thread $thread ended, which executed the program"
else
	echo "good: the debugger does not say that thread $thread ended"
	exit 1
fi
