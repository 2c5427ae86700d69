# For scripts that take packages of other Debian releases. It needs no rights, and this machine's
# own lists and packages stay as they are.

# use_release FOLDER SUITE has apt know that release alone, from the mirror of this machine's own,
# with nothing installed. What apt-get install downloads is in FOLDER/cache/archives. A script that
# goes on with this machine's apt unsets APT_CONFIG.
use_release() {
	mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian \([a-z]*:\)/\1/p' | sed -n 1p)
	if [ -z "$mirror" ]; then
		echo "apt's sources name no mirror of Debian" >&2
		exit 1
	fi
	rm -rf "$1"
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	: >"$1/status"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$keys] $mirror $2 main" >"$1/sources.list"
	cat >"$1/conf" <<-END
		Dir::State "$1";
		Dir::State::status "$1/status";
		Dir::Cache "$1/cache";
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Acquire::Languages "none";
		APT::Sandbox::User "";
		APT::Install-Recommends "false";
		APT::Get::Assume-Yes "true";
		APT::Get::Download-Only "true";
	END
	export APT_CONFIG="$1/conf"
	apt-get -qq update
}
