#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the threat model asks of a kernel, in a machine with Secure Boot (tests/vm/run
# --secure): it takes no module but a signed one, and root cannot read its memory.
# That our modules work there, the other suites show. KTAP.
count=0
failed=0

# verdict(NAME): the last command's status decides
verdict() {
	local status=$?
	count=$((count + 1))
	if [[ $status = 0 ]]; then
		echo "ok $count $1"
	else
		[[ -z ${said-} ]] || echo "# ${said//$'\n'/$'\n'# }"
		echo "not ok $count $1"
		failed=1
	fi
}

# refused(FILE): the kernel does not take that module, for its signature
refused() {
	said=$(insmod "$1" 2>&1) && { rmmod mikey_ticket; return 1; }
	grep -qE 'Key was rejected|Required key not available|Operation not permitted' <<< "$said"
}

# unreadable(FILE): not even by root, and not because it is not there
unreadable() {
	said=$(ls -l "$1" 2>&1) || return
	said=$(head -c 1 "$1" 2>&1 >/dev/null)
	grep -q 'Operation not permitted' <<< "$said"
}

echo 'TAP version 13'
if [[ -z ${MIKEY_SECURE-} ]]; then
	printf '1..1\nok 1 # SKIP not a machine with Secure Boot\n'
	exit 0
fi
echo '1..7'
said=$(mount -t securityfs securityfs /sys/kernel/security 2>&1)
said=$(cat /sys/kernel/security/lockdown)
[[ $said = *'[confidentiality]'* ]]; verdict 'the kernel is locked down, confidentiality'
said=$(dmesg | grep 'Secure boot enabled'); verdict 'by Secure Boot'
said=$(cat /sys/module/module/parameters/sig_enforce)
[[ $said = Y ]]; verdict 'modules have to be signed'

rmmod mikey_mime mikey_ticket
refused "$MIKEY_UNSIGNED/mikey_ticket.ko"; verdict 'a module without a signature is refused'
# A bit of the code, far from both ends
changed=$(mktemp --suffix .ko)
cp "$MIKEY_MODULES/mikey_ticket.ko" "$changed"
at=$(($(stat -c %s "$changed") / 2))
byte=$(od -An -tu1 -j $at -N 1 "$changed")
printf '%b' "\\x$(printf %x $((byte ^ 1)))" | dd of="$changed" bs=1 seek=$at conv=notrunc status=none
refused "$changed"; verdict 'and one that was changed after it was signed'
said=$("$(dirname "$0")/../vm/load" "$MIKEY_MODULES" 2>&1); verdict 'ours, signed, are loaded'
unreadable /proc/kcore; verdict 'root reads no memory of the kernel'
exit $failed
