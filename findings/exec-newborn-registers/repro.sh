#!/bin/sh
# Runs a program whose newborn threads execute it again.
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
gdbserver* | [!g]*) unclear "this does not know how to use $debugger" ;;
esac
for round in 1 2 3 4 5; do
	timeout --foreground -s KILL 5 "$debugger" -nx -batch -ex run "$folder/program" \
		</dev/null >"$folder/log" 2>&1 || :
	grep -q 'good:' "$folder/log" && continue
	tail -n 3 "$folder/log"
	grep -q '^\[New ' "$folder/log" || unclear "the program made no thread"
	echo "BAD: in round $round the program did not come to its end"
	exit 0
done
echo "good: the program came to its end in 5 rounds"
exit 1
