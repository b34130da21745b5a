#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo is true: it checks each thing that it says.
echo 'TAP version 13'
echo '1..1'
if "$(dirname "$0")/demo" 2>&1 | sed 's/^/# /' | tee -a /dev/stderr | grep -q 'Everything was as told'; then
	echo 'ok 1 everything in the demo is as told'
else
	echo 'not ok 1 something in the demo is not as told'
fi
