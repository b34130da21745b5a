#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What make install, uninstall, modules_install and dkms_install leave in a
# folder, and that DKMS builds the modules from it. Nothing of this machine
# is changed. Wants the programs and modules built. KTAP.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit
# of a make -j that runs this: its jobs are not ours
unset MAKEFLAGS MFLAGS
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
release=$(tests/vm/run --print-kernel) || exit
kdir=/lib/modules/$release/build
count=0 failed=0

# verdict(NAME): the last command's status decides
verdict() {
	local status=$?
	count=$((count + 1))
	if [ $status = 0 ]; then
		echo "ok $count $1"
	else
		failed=$((failed + 1))
		echo "not ok $count $1"
		sed 's/^/# /' "$work/log"
	fi
}

# into(FOLDER, ARGUMENT...): make something with DESTDIR=FOLDER
into() {
	make -s KDIR="$kdir" DESTDIR="$work/$1" "${@:2}" >"$work/log" 2>&1
}

# files(FOLDER): what is in it
files() {
	(cd "$work/$1" && find . ! -type d -printf '%m %P\n' | sort -k 2)
}

echo 'TAP version 13'
echo '1..10'

cat > "$work/want" <<-END
	644 etc/mikey-mime/mikey-kms.conf
	644 etc/mikey-mime/mikeyd.conf
	644 lib/systemd/system/mikey-kms.service
	644 lib/systemd/system/mikey-psk@.service
	644 lib/systemd/system/mikey-sealed-psk@.service
	644 lib/systemd/system/mikeyd@.service
	755 usr/bin/mikeyctl
	755 usr/sbin/mikey-kms
	755 usr/sbin/mikeyd
	644 usr/lib/modules-load.d/mikey.conf
	644 usr/lib/sysusers.d/mikey.conf
	644 usr/lib/tmpfiles.d/mikey.conf
	644 usr/share/bash-completion/completions/mikeyctl
	644 usr/share/bash-completion/completions/mikey-kms
	644 usr/share/bash-completion/completions/mikeyd
	644 usr/share/doc/mikey-mime/operators-guide.md
	644 usr/share/man/man1/mikeyctl.1
	644 usr/share/man/man8/mikeyd.8
END
into usr install PREFIX=/usr && files usr > "$work/have" &&
	! grep -vxFf "$work/have" "$work/want" > "$work/log"
verdict 'install puts every kind of file in its place'

grep -rhoE '(/usr)?(/local)?/s?bin/mikey[a-z-]*' "$work/usr/lib/systemd" | sort -u > "$work/log"
printf '%s\n' /usr/bin/mikeyctl /usr/sbin/mikey-kms /usr/sbin/mikeyd | cmp -s - "$work/log" &&
	! grep -rI '@[a-z]*dir@' "$work/usr" > "$work/log"
verdict 'the units name the programs where they are installed'

# tenths: below 2.0
for unit in mikeyd@ mikey-kms mikey-psk@ mikey-sealed-psk@; do
	systemd-analyze security --offline=true --threshold=19 \
		"$work/usr/lib/systemd/system/$unit.service" || echo "exposed: $unit"
done > "$work/log" 2>&1 </dev/null
! grep '^exposed' "$work/log"
verdict 'systemd-analyze security sees little exposure of each unit'

echo 'identity = "kept";' > "$work/usr/etc/mikey-mime/mikeyd.conf"
into usr install PREFIX=/usr && grep -q kept "$work/usr/etc/mikey-mime/mikeyd.conf"
verdict 'a configuration that is there stays'

into usr uninstall PREFIX=/usr && files usr > "$work/log" &&
	printf '644 etc/mikey-mime/%s\n' mikey-kms.conf mikeyd.conf | cmp -s - "$work/log"
verdict 'uninstall leaves the configuration only'

into mod modules_install && ! grep -iE 'warning|error' "$work/log" && files mod > "$work/log" &&
	[ "$(grep -cE "^644 lib/modules/$release/.*/mikey_(mime|ticket)\.ko$" "$work/log")" = 2 ]
verdict 'modules_install, without warnings'

make -s KDIR="$kdir" INSTALL_MOD_PATH="$work/path" modules_install >"$work/log" 2>&1 &&
	[ "$(find "$work/path/lib/modules/$release" -name 'mikey_*.ko' | wc -l)" = 2 ]
verdict 'modules_install with INSTALL_MOD_PATH'

# DKMS keeps its trees and a signing key in /var/lib/dkms.
cat > "$work/dkms" <<-END
	mount -t tmpfs dkms /var/lib/dkms || exit
	dkms build -m mikey-mime -v $(sed -n 's/^VERSION := //p' Makefile) -k $release/x86_64 \\
		--sourcetree $work/dkms-tree/usr/src --kernelsourcedir $kdir || exit
	find /var/lib/dkms -name 'mikey_*.ko' -print0 | xargs -0 -n 1 modinfo -F name | sort
END
into dkms-tree dkms_install && unshare -m sh "$work/dkms" >"$work/log" 2>&1 </dev/null
tail -n 2 "$work/log" | cmp -s - <(printf 'mikey_mime\nmikey_ticket\n')
verdict 'dkms builds both modules from dkms_install, outside this folder'

into config check-config && grep -q 'has all that is needed' "$work/log"
verdict 'check-config finds what the modules need in the kernel that they were built for'
sed 's/^CONFIG_CRYPTO_CCM=.*/# CONFIG_CRYPTO_CCM is not set/' "$kdir/.config" > "$work/.config"
! packaging/check-config "$work/.config" > "$work/log" && grep -q 'CRYPTO_CCM  *MISSING' "$work/log"
verdict 'and says what another lacks'
exit $((failed > 0))
