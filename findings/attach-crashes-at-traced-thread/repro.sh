#!/bin/sh
# Attaches to a program one of whose threads has a tracer already.
# Shows in: lldb
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
"$debugger" --version >/dev/null 2>&1 || unclear "$debugger does not run"
cc -O1 -g -pthread -o "$folder/program" "$here/repro.c" || unclear "cc fails"
export HOME="$folder" XDG_CONFIG_HOME="$folder" # debuggers keep their histories there
mkfifo "$folder/output" "$folder/input"
"$folder/program" <"$folder/input" >"$folder/output" &
exec 4<>"$folder/input" 3<"$folder/output"
pid=$(timeout 10 head -n 1 <&3) || : # it does not come to that where ptrace(2) is refused
test "$pid" || unclear "the program did not start"
# The debugger attaches and lets go at once. Of what it says the end suffices: some say it for ever.
case ${debugger##*/} in
lldb-server*) unclear "this does not know how to use $debugger" ;;
gdbserver*) set -- gdb -nx -batch -ex "target remote | $debugger - --attach $pid" -ex detach ;;
gdb*) set -- "$debugger" -nx -batch -p "$pid" -ex detach ;;
lldb*) set -- "$debugger" -x -b -p "$pid" -o detach ;;
strace*) set -- timeout --foreground -s INT 2 "$debugger" -f -o /dev/null -p "$pid" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
{
	timeout --foreground -s KILL 12 "$@" </dev/null 3<&- || echo "the debugger ended with $?"
} 2>&1 | tail -n 3 | tee "$folder/log"
if grep -q 'lost connection' "$folder/log"; then
	echo "BAD: lldb-server crashed"
else
	echo "good: the debugger did not crash"
	exit 1
fi
