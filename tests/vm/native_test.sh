#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# MODE=native, in a machine that is bare as a tester's own would be: its
# modules are loaded, of both flavours one after the other, and the tests
# count as they do elsewhere. KTAP.
set -u
cd "$(dirname "$0")/../.." || exit
out=$(mktemp) || exit
trap 'rm -f "$out"' EXIT
echo 'TAP version 13'
echo '1..1'
tests/vm/run --no-modules --memory 2048 -- \
	tests/run --native load peer_test mime_test >"$out" 2>&1
status=$?
if [ $status = 0 ] && grep -qE '^[0-9]+ passed, 0 failed$' <(tail -n 1 "$out") &&
   [ "$(grep -cE '^  ok   (selftest|kselftest) ' "$out")" = 3 ]; then
	echo 'ok 1 the tests run on the running kernel, with both flavours of the modules'
else
	sed 's/^/# /' "$out"
	echo 'not ok 1 the tests run on the running kernel, with both flavours of the modules'
fi
