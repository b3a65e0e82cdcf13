# Shared by the scripts in this folder; source it, do not run it.
# shellcheck shell=bash disable=SC2034 # the variables are for those who source it

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Everything that is expensive to make and no part of the project: QEMU, the guest, build folders of the demo.
cache=${VIRTQ_INSPECT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/virtq-inspect}

# A python or a meson in somebody's home lacks the modules that Debian's packages bring; ours come from Debian.
PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH
export PATH

# Results go to stdout, for the caller; what a person wants to see meanwhile goes to stderr.
say() {
	printf '%s [%4ds] %s\n' "${0##*/}" "$SECONDS" "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Ask for a password here and now, where somebody sees it, and not in the middle of a command whose output goes to a log.
become_root() {
	[ "$(id -u)" -eq 0 ] || sudo -v || die "needs root, or sudo"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n -- "$@"
	fi
}

# Run a command that takes long: its output goes to a log, a line now and then tells that it is alive, and the end of the
# log is shown when it fails. It has a process group of its own, so that all of it ends when this script is interrupted.
quietly() {
	local what=$1 log=$2 start=$SECONDS next=30 pid status=0
	shift 2
	say "$what (log: $log)"
	set -m
	"$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	# shellcheck disable=SC2064 # this pid, now
	trap "kill -- -$pid 2>/dev/null || true" EXIT
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if [ $((SECONDS - start)) -ge "$next" ]; then
			say "  … $what: $((SECONDS - start)) s $(progress "$log")"
			next=$((next + 30))
		fi
	done
	wait "$pid" || status=$?
	trap - EXIT
	if [ "$status" -ne 0 ]; then
		tail -n 40 "$log" >&2
		die "$what failed with status $status after $((SECONDS - start)) s; log: $log"
	fi
}

# ninja's last "[12/345]", or nothing.
progress() {
	tail -c 4096 "$1" | tr '\r' '\n' | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1 || true
}

# Hold a lock until this process ends or closes the file descriptor, so that two callers do not make the same thing at once.
# A child inherits it: while anything of a killed script is still at work, the next one waits.
take_lock() {
	local fd=${2:-9}
	mkdir -p "$(dirname "$1")"
	eval "exec $fd>\"\$1\""
	if ! flock --nonblock "$fd"; then
		say "another process is making this; waiting for it"
		flock "$fd"
	fi
}

# The Debian mirror that this host already uses. apt reads its own configuration in all its forms, old and deb822; what
# calls itself Debian in its Release file is the archive, and neither the security archive nor a third party's.
debian_mirror() {
	# shellcheck disable=SC2016 # apt's own format language, not the shell's
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
		sed -n 's/^Debian|Debian|//p' | sed -n 1p | grep . || echo http://deb.debian.org/debian/
}

# The architecture of what is meant by SUITE or SUITE:ARCHITECTURE, and the folder for it.
suite_arch() {
	case $1 in
	*:*) echo "${1#*:}" ;;
	*) dpkg --print-architecture ;;
	esac
}

suite_folder() {
	local arch
	arch=$(suite_arch "$1")
	[ "$arch" != "$(dpkg --print-architecture)" ] || arch=
	echo "$cache/apt-${1%:*}${arch:+-$arch}"
}

# apt for one suite of Debian's archive, with a sources list, package lists and a cache of its own: most hosts have no
# deb-src, this host may have another suite, and its own configuration is not ours to edit. What is backported comes before
# what it is added to.
private_apt() {
	local dir arch suite=${1%:*} tool=$2
	dir=$(suite_folder "$1")
	arch=$(suite_arch "$1")
	shift 2
	"$tool" -q \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts="$dir/none" \
		-o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status" -o Dir::Cache="$dir/cache" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o APT::Default-Release="$suite" -o APT::Sandbox::User="$(id -un)" "$@"
}

# In an older file of the same name there may be another mirror; it is always written anew. What is backported to a suite needs
# packages of that suite.
private_apt_update() {
	local dir suite=${1%:*} keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror name
	dir=$(suite_folder "$1")
	mirror=$(debian_mirror)
	[ ! -e "$keyring" ] || mirror="[signed-by=$keyring] $mirror"
	take_lock "$dir.lock" 8
	mkdir -p "$dir"/{none,lists/partial,cache/archives/partial}
	: >"$dir/status"
	: >"$dir/sources.list"
	for name in "$suite" "${suite%-backports}"; do
		printf '%s\n' "deb $mirror $name main" "deb-src $mirror $name main" >>"$dir/sources.list"
		[ "$suite" != "${suite%-backports}" ] || break
	done
	quietly "reading the package lists of $1" "$dir/log" private_apt "$1" apt-get update
	exec 8>&-
}

# With an empty list of what is installed, apt fetches all that a package needs, the C library included.
download_packages() {
	local suite=$1 folder=$2
	shift 2
	mkdir -p "$folder/archives/partial"
	private_apt "$suite" apt-get -y --no-install-recommends --download-only \
		-o Dir::Cache::Archives="$folder/archives" -o Debug::NoLocking=true install "$@"
}

# Every suite's loader finds its libraries in this shape of the tree, whether the suite's packages have it or not.
unpack_packages() {
	local folder=$1 name package
	for name in bin lib lib64 sbin; do
		mkdir -p "$folder/root/usr/$name"
		ln -s "usr/$name" "$folder/root/$name"
	done
	mkdir -p "$folder/root"/{dev,mnt,proc,run,sys,tmp}
	for package in "$folder"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder/root" --keep-directory-symlink --no-same-owner \
			--exclude='./usr/share/doc' --exclude='./usr/share/locale' --exclude='./usr/share/man'
	done
	rm -r "$folder/archives"
}

# fetch_root SUITE FOLDER WHAT PACKAGE...: unpack packages and all that they need into FOLDER/root. Nothing is installed there,
# and no script of a package runs. The log is FOLDER/log.
fetch_root() {
	quietly "fetching $3" "$2/log" download_packages "$1" "$2" "${@:4}"
	quietly "unpacking it" "$2/log" unpack_packages "$2"
}

# Configure and compile virtq-inspect in build/NAME; further arguments are meson's. What an interrupted configuration left is
# of no use to a later one.
build_program() {
	local name=$1 folder=$root/build/$1
	shift
	mkdir -p "$root/build"
	: >"$folder.log"
	if [ ! -e "$folder/build.ninja" ]; then
		rm -rf "$folder"
		quietly "configuring build/$name" "$folder.log" meson setup "$folder" "$root" "$@"
	fi
	quietly "compiling build/$name" "$folder.log" ninja -C "$folder"
}

build_release() {
	build_program release -Dbuildtype=release -Ddebug=true -Dtests=false
}

# The path of the program in build/NAME.
program() {
	find "$root/build/$1" -name virtq-inspect -type f -perm -u+x | grep . || die "no virtq-inspect in build/$1"
}
