#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench in small: every contestant does its job once, which is when the
# modules and the job in userspace open each other's messages, and each suite
# says what it should. No time is judged. KTAP.
count=0
failed=0

# has(WHAT, NUMBER, PATTERN): so many lines are like that
has() {
	local n
	n=$(grep -cE "$3" <<< "$rows")
	count=$((count + 1))
	if [[ $n = "$2" ]]; then
		echo "ok $count $1"
	else
		echo "# $n lines like $3, not $2"
		echo "not ok $count $1"
		failed=1
	fi
}

echo 'TAP version 13'
if [[ -n ${MIKEY_CHECKED-} ]]; then
	printf '1..1\nok 1 # SKIP the floor is not built for a kernel that checks itself\n'
	exit 0
fi
if [[ -n ${MIKEY_SECURE-} ]]; then
	printf '1..1\nok 1 # SKIP the module of the floor is not signed\n'
	exit 0
fi
echo '1..4'
rows=$("$(dirname "$0")/../bench/guest" --bodies 64,70000 --batch 1 --batches 1 sizes exchanges)
has 'each contestant protects short and long' 10 \
	'"op": "protect", "bytes": (64|70000), "ns": [1-9][0-9]*}$'
has 'each contestant opens short and long' 10 \
	'"op": "unprotect", "bytes": (64|70000), "ns": [1-9][0-9]*}$'
has 'the empty round trip has a time' 1 '"op": "nothing", "bytes": 0, "ns": [1-9][0-9]*}$'
has 'all ways to a ticket have times' 3 '"suite": "exchanges".*"per_second": [1-9][0-9]*}$'
exit $failed
