#!/bin/sh
# Runs a program that executes itself, with follow-exec.
# Shows in: delve
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
case ${debugger##*/} in
dlv*) ;;
*) unclear "$debugger is not delve" ;;
esac
go build -o "$folder/program" "$here/repro.go" || unclear "go build fails"
export HOME="$folder" XDG_CONFIG_HOME="$folder" # debuggers keep their histories there
printf 'target follow-exec -on\ncontinue\nexit\n' |
	timeout --foreground -s KILL 15 "$debugger" exec --allow-non-terminal-interactive \
		"$folder/program" >"$folder/log" 2>&1 || :
grep 'exited with status 3' "$folder/log" && exit 1
tail -n 3 "$folder/log"
grep -q 'good: ' "$folder/log" || unclear "the program did not come to its end"
echo "BAD: delve does not say that the process exited with status 3"
