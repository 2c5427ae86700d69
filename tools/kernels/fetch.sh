#!/bin/sh
# Unpacks a kernel of another Debian release: fetch.sh SUITE PACKAGE FOLDER
# PACKAGE is one that depends on the kernel, such as linux-image-cloud-amd64. FOLDER gets vmlinuz,
# and then version.
set -eu
. "$(dirname "$0")/../debian.sh"
folder=$(realpath -m "$3")
[ ! -e "$folder/version" ] || exit 0

# depends PACKAGE PREFIX is the first dependency whose name begins so.
depends() {
	apt-cache depends "$1" | sed -n "s/.*Depends: \\($2.*\\)/\\1/p" | sed -n 1p
}

use_release "$folder/apt" "$1"
image=$(depends "$2" 'linux-image-[0-9]')
# Newer releases have the kernel itself in a package that this one depends on.
files=$(depends "$image" linux-binary-)
cd "$folder/apt"
apt-get -qq download "${files:-$image}"
dpkg-deb --extract ./*.deb unpacked
find unpacked -name 'vmlinuz*' -type f -exec mv {} "$folder/vmlinuz" \;
test -e "$folder/vmlinuz"
rm -rf "$folder/apt"
echo "${image#linux-image-}" >"$folder/version.new"
mv "$folder/version.new" "$folder/version"
