#!/bin/sh
# Puts debuggers of many versions into a folder, for `tidcheck run NAME@VERSION`. Usage:
#
#	ladder.sh FOLDER
#
# Those of Debian's releases are unpacked with the libraries that they need, and not installed. For
# each a script, FOLDER/NAME/VERSION/PROGRAM, starts it by its release's own loader. Delve is built
# by the go command. It needs Debian, the network and 3 GB, and no rights.
#
# All that is made has another name until it is whole, so an interrupted run can be repeated, and
# does only what is missing. A newer version in a release is taken when FOLDER is removed.
set -eu

delves="1.20.2 1.22.1 1.24.2 1.26.3 1.27.2"
releases="bullseye bookworm trixie sid"

# lldbs RELEASE are those that are taken from a release.
lldbs() {
	case $1 in
	bullseye) echo 11 ;;
	bookworm) echo 14 16 19 ;;
	sid) echo 22 ;;
	esac
}

fail() {
	echo "ladder: $*" >&2
	exit 1
}

. "$(dirname "$0")/../debian.sh"
[ $# = 1 ] || fail "usage: ladder.sh FOLDER"
mkdir -p "$1/.roots" # with a dot: ./... of a go command passes it over
folder=$(cd "$1" && pwd)
roots=$folder/.roots

# unpack RELEASE makes roots/RELEASE. Two LLDBs cannot be installed together, for Python modules
# that nothing here needs, so each is asked for alone.
unpack() {
	[ ! -e "$roots/$1" ] || return 0
	echo "ladder: unpack the debuggers of Debian's $1"
	root=$roots/.$1
	apt=$root/apt
	rm -rf "$root"
	use_release "$apt" "$1"
	apt-get -qq install gdb gdbserver strace
	for n in $(lldbs "$1"); do
		apt-get -qq install "lldb-$n"
	done
	unset APT_CONFIG
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb --extract "$package" "$root"
		dpkg-deb --show --showformat '${Package} ${Version}\n' "$package" >>"$root/packages"
	done
	rm -rf "$apt"
	mv "$root" "$roots/$1"
}

# version RELEASE PACKAGE is upstream's, 13.1 of Debian's 1:13.1-3.
version() {
	sed -n "s/^$2 //p" "$roots/$1/packages" | sed 's/^[0-9]*://; s/[-+~].*//'
}

# start RELEASE is the beginning of a script: the words that start a program by a release's loader.
start() {
	for ld in "$roots/$1"/lib/*-linux-gnu/ld-linux-*.so.* \
		"$roots/$1"/usr/lib/*-linux-gnu/ld-linux-*.so.*; do
		[ ! -e "$ld" ] || break
	done
	[ -e "$ld" ] || fail "$roots/$1 has no loader"
	lib=${ld%/*}
	lib=${lib##*/}
	echo "\"\$root/${ld#"$roots/$1/"}\" --library-path \"\$root/usr/lib/$lib:\$root/lib/$lib\""
}

# script NAME VERSION PROGRAM RELEASE [VARIABLE=VALUE…] -- WORD… writes a program's script.
script() {
	file=$folder/$1/.$2/$3
	of=$4
	first=$(start "$of")
	shift 4
	mkdir -p "${file%/*}"
	{
		echo '#!/bin/sh'
		echo "root=\${0%/*}/../../.roots/$of"
		while [ "$1" != -- ]; do
			echo "export $1"
			shift
		done
		shift
		echo "exec $first $* \"\$@\""
	} >"$file"
	chmod 755 "$file"
}

# has NAME VERSION tells whether the version is there; else it removes what is half made.
has() {
	rm -rf "$folder/$1/.$2"
	[ -e "$folder/$1/$2" ]
}

# whole NAME VERSION says that all of the version is made.
whole() {
	mv "$folder/$1/.$2" "$folder/$1/$2"
}

# gdb RELEASE: gdb gives its own environment to the program, which may be python too.
gdb() {
	v=$(version "$1" gdb)
	if ! has gdb "$v"; then
		script gdb "$v" gdb "$1" 'PYTHONHOME="$root/usr"' -- '"$root/usr/bin/gdb"' \
			'--data-directory="$root/usr/share/gdb" -iex "unset environment PYTHONHOME"'
		whole gdb "$v"
	fi
	if ! has gdbserver "$v"; then
		script gdbserver "$v" gdbserver "$1" -- '"$root/usr/bin/gdbserver"'
		whole gdbserver "$v"
	fi
}

# strace RELEASE: what strace says of itself begins with its path, which is to be the script's. The
# loader of bullseye cannot be told that; another release's can, and that runs older programs too.
strace() {
	v=$(version "$1" strace)
	if has strace "$v"; then
		return
	fi
	with=$1
	[ "$1" != bullseye ] || with=bookworm
	script strace "$v" strace "$with" -- '--argv0 "$0"' "\"\$root/../$1/usr/bin/strace\""
	whole strace "$v"
}

# lldb RELEASE N: its debug adapter, which was lldb-vscode before 18, its server, and lldb itself.
lldb() {
	if has lldb "$2" && [ -e "$folder/lldb/$2/lldb" ]; then
		return
	fi
	rm -rf "$folder/lldb/$2"
	dap=lldb-dap
	[ "$2" -ge 18 ] || dap=lldb-vscode
	script lldb "$2" "$dap" "$1" 'PYTHONHOME="$root/usr"' \
		'LLDB_DEBUGSERVER_PATH="${0%/*}/lldb-server"' -- "\"\$root/usr/lib/llvm-$2/bin/$dap\""
	script lldb "$2" lldb-server "$1" -- "\"\$root/usr/lib/llvm-$2/bin/lldb-server\""
	for python in "$roots/$1/usr/lib/llvm-$2"/lib/python3*/*-packages; do
		[ ! -e "$python/lldb/__init__.py" ] || break
	done
	script lldb "$2" lldb "$1" 'PYTHONHOME="$root/usr"' \
		"PYTHONPATH=\"\$root/${python#"$roots/$1/"}\"" 'PYTHONDONTWRITEBYTECODE=1' \
		'LLDB_DEBUGSERVER_PATH="${0%/*}/lldb-server"' -- "\"\$root/usr/lib/llvm-$2/bin/lldb\""
	whole lldb "$2"
}

for release in $releases; do
	unpack "$release"
done
for release in $releases; do
	gdb "$release"
	strace "$release"
	for n in $(lldbs "$release"); do
		lldb "$release" "$n"
	done
done
for v in $delves; do
	if has delve "$v"; then
		continue
	fi
	echo "ladder: build delve $v"
	GOBIN=$folder/delve/.$v go install "github.com/go-delve/delve/cmd/dlv@v$v"
	whole delve "$v"
done
echo "ladder: all is in $folder; tidcheck doctor tries it"
