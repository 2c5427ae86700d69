#!/bin/sh
# Runs a program whose own seccomp filter asks a tracer about a call.
# Shows in: strace
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
strace*) ;;
*) unclear "$debugger has no --seccomp-bpf" ;;
esac
timeout --foreground -s KILL 15 "$debugger" -f --seccomp-bpf -e trace=exit -o /dev/null \
	"$folder/program" >"$folder/log" 2>&1 </dev/null || :
verdict=$(grep -m 1 -o 'BAD: .*\|good: .*' "$folder/log") || :
echo "${verdict:=cannot tell: $(tail -n 1 "$folder/log")}"
case $verdict in
BAD*) ;;
good*) exit 1 ;;
*) exit 2 ;;
esac
