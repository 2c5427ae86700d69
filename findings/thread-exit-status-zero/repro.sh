#!/bin/sh
# Runs a program whose thread ends with status 42, and looks at the packet that tells of it.
# Shows in: gdbserver
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
gdbserver*) ;;
*) unclear "$debugger is no gdbserver" ;;
esac
timeout --foreground -s KILL 15 gdb -nx -batch -ex "set debug remote 1" \
	-iex "set non-stop on" -ex "target remote | $debugger - $folder/program" \
	-ex "maintenance packet QThreadEvents:1" -ex continue </dev/null >"$folder/log" 2>&1 || :
packet=$(grep -o -m 1 'received: Stop:w[0-9a-f]*;[p0-9a-f.]*' "$folder/log") ||
	unclear "there was no w packet: $(tail -n 1 "$folder/log")"
echo "$packet"
case $packet in
*:w2a\;*) echo "good: it has the thread's status, 42" && exit 1 ;;
*) echo "BAD: it does not have the thread's status, 42" ;;
esac
