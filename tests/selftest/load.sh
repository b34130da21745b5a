#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The modules' own tests. A debug build runs them when it is loaded, and is
# not loaded if one fails; this runs after that and asks for their words, so
# that a build that has lost its tests is noticed. KTAP.
log=$(dmesg)
count=0
failed=0

# said(WHAT, PATTERN)
said() {
	count=$((count + 1))
	if grep -qE "$2" <<< "$log"; then
		echo "ok $count $1"
	else
		echo "# nothing in the kernel's log like: $2"
		echo "not ok $count $1"
		failed=1
	fi
}

echo 'TAP version 13'
echo '1..4'
said 'key derivation against the PRF vectors' 'mikey_ticket: self tests: (1[4-9]|[2-9][0-9]) PRF vectors'
said 'messages and tickets against the exchange vectors' 'mikey_ticket: .* (2[6-9]|[3-9][0-9]|[1-9][0-9]{2,}) exchanges pass'
said 'CMS objects against the exchange vectors' 'mikey_mime: self tests passed'
if grep -E 'WARNING:|BUG:|self test failed' <<< "$log"; then
	echo 'not ok 4 the kernel has nothing to complain of'
	failed=1
else
	echo 'ok 4 the kernel has nothing to complain of'
fi
exit $failed
