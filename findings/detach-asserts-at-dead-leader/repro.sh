#!/bin/sh
# Lets go of a program whose leader has ended.
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
gdbserver* | lldb-server*) unclear "this does not know how to use $debugger" ;;
gdb*) set -- "$debugger" -nx -batch -ex run -ex detach "$folder/program" ;;
lldb*) set -- "$debugger" -x -b -o run -o detach "$folder/program" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
status=0
timeout --foreground -s KILL 15 "$@" </dev/null >"$folder/log" 2>&1 || status=$?
if grep 'Assertion' "$folder/log"; then
	echo "BAD: the debugger died when it was told to let go"
	exit 0
fi
tail -n 3 "$folder/log"
test "$status" = 137 && unclear "the debugger did not end"
grep -q 'detached' "$folder/log" || unclear "the debugger did not come to its detach"
echo "good: the debugger let go"
exit 1
