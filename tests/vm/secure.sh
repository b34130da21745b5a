# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine with Secure Boot, whose owner has keys of their own. Debian's ovmf has
# a firmware where one key for tests is all three, PK, KEK and db. The kernel is
# signed with it as the firmware wants; and Debian's kernels take modules that were
# signed with a key of db. Sourced by run.
#
# shellcheck disable=SC2034,SC2154 # shares the variables of run

ovmf=/usr/share/OVMF
snakeoil=/usr/share/ovmf/PkKek-1-snakeoil

# secure_boot(): sets boot, firmware, append and MIKEY_MODULES
secure_boot() {
	local f signer signed=$dir/modules
	for f in $ovmf/OVMF_CODE_4M.secboot.fd $ovmf/OVMF_VARS_4M.snakeoil.fd $snakeoil.pem; do
		[[ -e $f ]] || die "no $f: install ovmf (tests/deps kernels does)"
	done
	command -v sbsign >/dev/null || die 'sbsign is not installed: tests/deps kernels installs sbsigntool'
	signer=$(compgen -G '/usr/lib/linux-kbuild-*/scripts/sign-file' | sort -V | tail -n 1)
	[[ -n $signer ]] || die 'no sign-file: install linux-headers-amd64 (tests/deps does)'
	openssl rsa -in $snakeoil.key -passin pass:snakeoil -out "$dir/key" 2>/dev/null
	openssl x509 -in $snakeoil.pem -outform DER -out "$dir/certificate"
	sbsign --key "$dir/key" --cert $snakeoil.pem --output "$dir/kernel" "$image" 2>/dev/null
	boot=$dir/kernel

	# As a folder of this machine, for the guest sees its files.
	mkdir "$signed"
	if [[ -n $modules ]]; then
		export MIKEY_UNSIGNED=$MIKEY_MODULES
		for f in "$MIKEY_MODULES"/*.ko; do
			"$signer" sha256 "$dir/key" "$dir/certificate" "$f" "$signed/${f##*/}"
		done
		export MIKEY_MODULES=$signed
	fi
	cp $ovmf/OVMF_VARS_4M.snakeoil.fd "$dir/variables"
	firmware=(-global 'driver=cfi.pflash01,property=secure,value=on'
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$ovmf/OVMF_CODE_4M.secboot.fd"
		-drive "if=pflash,format=raw,unit=1,file=$dir/variables")
	append+=' lockdown=confidentiality module.sig_enforce=1'
	export MIKEY_SECURE=1
}
