#!/bin/sh
# Attaches gdbserver to a program whose threads get signals, up to 20 times.
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
mkfifo "$folder/output"
"$folder/program" >"$folder/output" &
read -r pid <"$folder/output" || unclear "the program did not start"
end=$(($(date +%s) + 20))
# shellcheck disable=SC2016
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	test "$(date +%s)" -lt "$end" || break
	{ # packets: no acknowledgements, non-stop mode; then go on, what has stopped, and the next, ...
		printf '+$QStartNoAckMode#b0+$QNonStop:1#8d'
		for _ in $(seq 200); do
			printf '$vCont;c#a8$?#3f$vStopped#55$vStopped#55$vStopped#55'
		done
	} | timeout --foreground -s KILL 8 "$debugger" --once - --attach "$pid" >"$folder/log" 2>&1 || :
	if grep -a 'Assertion' "$folder/log"; then
		echo "BAD: in round $round gdbserver died of an assertion"
		exit 0
	fi
done
echo "good: gdbserver attached in $round rounds"
exit 1
