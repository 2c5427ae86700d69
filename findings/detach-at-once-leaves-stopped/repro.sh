#!/bin/sh
# Attaches to an idle program, in non-stop mode where there is one, and lets go at once.
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
mkfifo "$folder/output" "$folder/input"
"$folder/program" <"$folder/input" >"$folder/output" &
exec 4<>"$folder/input" 3<"$folder/output"
read -r pid <&3 || unclear "the program did not start"
# The debugger attaches and lets go at once.
case ${debugger##*/} in
gdbserver*) set -- gdb -nx -batch -ex "target remote | $debugger - --attach $pid" -ex detach ;;
gdb*) set -- "$debugger" -nx -batch -iex "set non-stop on" -p "$pid" -ex detach ;;
lldb-server*) unclear "this does not know how to use $debugger" ;;
lldb*) set -- "$debugger" -x -b -p "$pid" -o detach ;;
dlv*) set -- "$debugger" attach --allow-non-terminal-interactive "$pid" ;;
strace*) set -- "$debugger" -f -o /dev/null -p "$pid" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
printf 'exit\nn\n' | timeout --foreground -s KILL 10 "$@" >"$folder/log" 2>&1 3<&- || :
echo >&4
verdict=$(timeout 5 head -n 1 <&3) || :
echo "${verdict:=cannot tell: the program gave no verdict}"
case $verdict in
BAD*) grep State "/proc/$pid/task/"*/status || : ;; # a task may vanish meanwhile
good*)
	grep -q "detached\|Type 'help'" "$folder/log" || unclear "$(tail -n 1 "$folder/log")"
	exit 1
	;;
*) exit 2 ;;
esac
