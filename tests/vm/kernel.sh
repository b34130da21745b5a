# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel for the machine: which one, how it boots fastest, whether KVM
# can run it. Sourced by run; what is prepared once is kept in $cache.
#
# shellcheck disable=SC2034,SC2154 # shares the variables of run

# little(FILE, OFFSET, BYTES): an unsigned little-endian number
little() {
	od -An -v -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

# find_kernel(VERSION | IMAGE | ''): sets image, release, tree (of modules)
find_kernel() {
	local v
	case $1 in
	*/*)	# The boot protocol's header says where the version stands.
		image=$(realpath -e -- "$1") || exit 126
		[[ $(dd if="$image" bs=1 skip=514 count=4 status=none) = HdrS ]] ||
			die "$1 is not a bzImage"
		v=$(little "$image" 526 2)
		release=$(dd if="$image" bs=1 skip=$((v + 512)) count=128 status=none | tr '\0' ' ')
		release=${release%% *}
		tree=${image%/*}/../lib/modules/$release
		[[ -d $tree ]] || tree=/lib/modules/$release
		[[ ! -d $tree ]] || tree=$(realpath -- "$tree")
		return;;
	?*)	release=$1;;
	*)	release=''
		for v in $(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null |
			   grep -v cloud | sort -V); do
			[[ ! -e /boot/vmlinuz-$v ]] || release=$v
		done
		[[ -n $release ]] ||
			die 'no kernel to boot in /boot: install linux-image-amd64 (tests/deps does)';;
	esac
	image=/boot/vmlinuz-$release
	tree=/lib/modules/$release
	[[ -e $image ]] || die "no $image"
	[[ -d $tree ]] || die "no $tree"
}

# The kernel unpacks itself slowly in an emulator, so it is unpacked here. An
# image given by its path is booted as it is.
extract_vmlinux() {
	local start length magic unpack
	start=$(little "$1" 497 1)
	start=$((((start ? start : 4) + 1) * 512 + $(little "$1" 584 4)))
	length=$(little "$1" 588 4)
	magic=$(od -An -tx1 -j$start -N4 "$1" | tr -d ' ')
	case $magic in
	fd377a58) unpack=xz;;
	28b52ffd) unpack=zstd;;
	1f8b*) unpack=gzip;;
	*) return 1;;
	esac
	# The last four bytes are the unpacked size.
	tail -c +$((start + 1)) "$1" | head -c $((length - 4)) | $unpack -dc > "$2"
	[[ $(od -An -tx1 -N4 "$2" | tr -d ' ') = 7f454c46 ]]
}

# The initramfs: busybox, init, and the modules that init loads in order,
# those that reach the machine's files and the processor's own cipher and
# hash implementations, which udev would load on a real machine.
make_initrd() {
	local m f work=$dir/initramfs
	ldd "$(command -v busybox)" >/dev/null 2>&1 &&
		die 'busybox is not static: install busybox-static (tests/deps does)'
	mkdir -p "$work/bin" "$work/modules"
	cp "$(command -v busybox)" "$work/bin/busybox"
	cp "$here/init" "$work/init"
	for m in virtio_pci virtio_console virtio_rng 9pnet_virtio 9p overlay \
		 aesni_intel ghash_clmulni_intel sha256_ssse3 sha1_ssse3; do
		modprobe -d "${tree%/lib/modules/*}/" -S "$release" --show-depends $m 2>/dev/null || :
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r f; do
		m=${f##*/}
		m=${m%%.ko*}.ko
		echo "$m"
		case $f in
		*.xz) xz -dc "$f";;
		*.zst) zstd -qdc "$f";;
		*) cat "$f";;
		esac > "$work/modules/$m"
	done > "$work/order"
	chmod 755 "$work/init"
	(cd "$work" && find . | cpio -o -H newc -R 0:0 --quiet) > "$1"
}

# prepare_kernel(): sets boot and initrd. Made aside and moved into place:
# another run may be doing the same.
prepare_kernel() {
	local id
	id=$release-$(printf '%s' "$image" | cksum | cut -d' ' -f1)
	boot=$cache/vmlinux-$id
	initrd=$cache/initrd-$id
	if [[ $image != /boot/vmlinuz-$release ]]; then
		boot=$image
	elif [[ ! $boot -nt $image ]]; then
		if extract_vmlinux "$image" "$dir/vmlinux"; then
			mv "$dir/vmlinux" "$boot"
		else
			boot=$image
		fi
	fi
	if [[ ! ($initrd -nt $image && $initrd -nt $here/init && $initrd -nt $here/kernel.sh) ]]; then
		make_initrd "$dir/initrd.new"
		mv "$dir/initrd.new" "$initrd"
	fi
}

emulated_cpu=max,erms=off,fsrm=off

# count_instructions(): sets accel, cpu, cpus and counting, for a clock that
# advances by one nanosecond with each instruction, and as the real one where nobody
# has anything to do (or waiting for a file would look like minutes). Two processors
# do not boot with it.
count_instructions() {
	accel=tcg,thread=single
	cpu=$emulated_cpu
	cpus=1
	counting=(-icount 'shift=0,sleep=on')
}

# accelerate(): sets accel and cpu. A /dev/kvm that opens can still fail or
# hang, so a kernel has to boot on it once; the answer holds until the next
# boot of this machine. REP MOVSB is slow in the emulator, hence erms and
# fsrm off. MIKEY_KVM is another device to look at, for the runner's own tests.
accelerate() {
	local answer
	answer=$cache/kvm-$(cat /proc/sys/kernel/random/boot_id)
	accel=tcg,thread=multi
	cpu=$emulated_cpu
	[[ -w ${MIKEY_KVM:-/dev/kvm} ]] || return 0
	if [[ ! -e $answer ]]; then
		echo no > "$dir/kvm"
		setpriv --pdeathsig KILL -- timeout -k 1 4 setpriv --pdeathsig KILL -- \
		qemu-system-x86_64 -accel kvm -cpu host -machine q35 -m 512 -nodefaults \
			-display none -no-reboot -kernel "$boot" -initrd "$initrd" \
			-append 'console=ttyS0 panic=-1 probe' -serial stdio \
			</dev/null 2>/dev/null | grep -q 'mikey-vm: alive' && echo yes > "$dir/kvm"
		mv "$dir/kvm" "$answer"
	fi
	if [[ $(cat "$answer") = yes ]]; then
		accel=kvm
		cpu=host
	fi
}
