#!/bin/sh
# Runs a program whose second thread executes it again, up to 10 times.
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
gdbserver*) set -- gdb -nx -batch -ex "target remote | $debugger - $folder/program" -ex continue ;;
gdb*) set -- "$debugger" -nx -batch -ex run "$folder/program" ;;
*) unclear "this does not know what $debugger says of threads that end" ;;
esac
end=$(($(date +%s) + 18))
met=0
for round in 1 2 3 4 5 6 7 8 9 10; do
	test "$(date +%s)" -lt "$end" || break
	timeout --foreground -s KILL 10 "$@" </dev/null >"$folder/log" 2>&1 || :
	leader=$(sed -n 's/.*rocess \([0-9]*\) is executing.*/\1/p' "$folder/log")
	test "$leader" || continue # it did not come to its exec
	met=$((met + 1))
	if ! grep -q -E "(Thread|LWP) (.*[ .])?$leader\b.* exited" "$folder/log"; then
		grep 'LWP\|executing' "$folder/log"
		echo "BAD: in round $round the debugger did not say that thread $leader, the leader, ended"
		exit 0
	fi
done
test $met != 0 || unclear "$(tail -n 1 "$folder/log")"
echo "good: the debugger told of the leader's end in $met rounds"
exit 1
