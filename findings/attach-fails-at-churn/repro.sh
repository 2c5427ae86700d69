#!/bin/sh
# Attaches to a program whose threads make threads that end at once, up to 20 times.
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
dlv*) # delve knows Go programs alone, and go build does not see what repro.go includes
	cp "$here/repro.go" "$here/repro.c" "$folder"
	go build -o "$folder/program" "$folder/repro.go" || unclear "go build fails"
	;;
*) cc -O1 -g -pthread -o "$folder/program" "$here/repro.c" || unclear "cc fails" ;;
esac
export HOME="$folder" XDG_CONFIG_HOME="$folder" # debuggers keep their histories there
mkfifo "$folder/output"
"$folder/program" >"$folder/output" &
read -r pid <"$folder/output" || unclear "the program did not start"
case ${debugger##*/} in
gdbserver* | lldb-server*) unclear "this does not know how to use $debugger" ;;
gdb*) set -- "$debugger" -nx -batch -p "$pid" -ex detach ;;
lldb*) set -- "$debugger" -x -b -p "$pid" -o detach ;;
dlv*) set -- "$debugger" attach --allow-non-terminal-interactive "$pid" ;;
strace*) set -- timeout --foreground -s INT 0.5 "$debugger" -f -o /dev/null -p "$pid" ;;
*) unclear "this does not know how to use $debugger" ;;
esac
end=$(($(date +%s) + 20))
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	test "$(date +%s)" -lt "$end" || break
	status=0
	printf 'exit\nn\n' | timeout --foreground -s KILL 8 "$@" >"$folder/log" 2>&1 || status=$?
	if grep -i 'no such process' "$folder/log"; then
		echo "BAD: attach $round failed, and the process lives"
		exit 0
	fi
	case $status in
	0 | 124) ;; # strace ends at SIGINT
	*) unclear "$(tail -n 1 "$folder/log")" ;;
	esac
done
echo "good: no attach of $round failed"
exit 1
