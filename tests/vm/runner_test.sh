#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The machine runner's own tests: what it promises in its help, above all
# that a failure inside never looks like a success outside and that nothing
# of it stays behind. Wants the modules built. KTAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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
		sed 's/^/# /' "$work/out" "$work/err"
	fi
}

# run(ARGUMENT...): in $work/out and $work/err, status in $got
run() {
	"$here/run" "$@" >"$work/out" 2>"$work/err"
	got=$?
}

# machines(): how many QEMUs work for this test
machines() {
	pgrep -f "$1" | while read -r p; do readlink "/proc/$p/exe"; done | grep -c qemu
}

# ended(MARK): no machine with MARK is left within two seconds
ended() {
	for _ in 1 2 3 4 5 6 7 8; do
		[ "$(machines "$1")" != 0 ] || return 0
		sleep 0.25
	done
	return 1
}

echo 'TAP version 13'
echo '1..19'

cat > "$work/inside" <<-'END'
	echo to-stdout
	echo to-stderr >&2
	pwd
	id -u
	grep -c '^mikey_' /proc/modules
	touch "$1/rw/kept" "$1/lost" && echo wrote
	sleep 1000 &
	exit 7
END
mkdir "$work/rw"
start=$(date +%s)
run --rw "$work/rw" -- sh "$work/inside" "$work"
[ $got = 7 ]; verdict 'the status of the command is returned'
printf 'to-stdout\n%s\n0\n2\nwrote\n' "$PWD" | cmp -s - "$work/out"
verdict 'stdout, folder, root, both modules loaded'
[ "$(cat "$work/err")" = to-stderr ]; verdict 'stderr is separate'
[ -e "$work/rw/kept" ] && [ ! -e "$work/lost" ]; verdict 'only --rw folders are written'
[ $(($(date +%s) - start)) -lt 120 ]; verdict 'a process left running does not delay the end'

run --no-modules -- sh -c 'grep mikey_ /proc/modules; head -c 5000000 /dev/zero'
[ $got = 0 ] && [ "$(wc -c < "$work/out")" = 5000000 ]
verdict 'without modules; a large output is complete'

run --no-modules --timeout 5 -- sleep 1000
[ $got = 124 ]; verdict 'a timeout is 124'
run --no-modules -- sh -c 'echo c > /proc/sysrq-trigger'
[ $got = 125 ] && grep -q sysrq "$work/err"
verdict 'a panic is 125 and shows the console'
run --no-modules --kernel 0.0 -- true
[ $got = 126 ] && [ -s "$work/err" ]; verdict 'a kernel that is not there is 126, in words'
# From here on, machines that are not quite as usual.
unshare -m sh -c "mount -t tmpfs -o size=1m full $work/rw &&
	TMPDIR=$work/rw $here/run --no-modules -- true" >"$work/out" 2>"$work/err"
[ $? = 126 ] && grep -q 'No space left' "$work/err" && grep -q '^vm: ' "$work/err"
verdict 'a full disk is 126, in words'

# A QEMU that hangs when it is asked to use KVM.
mkdir "$work/bin"
cat > "$work/bin/qemu-system-x86_64" <<-END
	#!/bin/sh
	echo "\$*" >> $work/started
	case \$* in *'-accel kvm'*) exec sleep 1000;; esac
	exec $(command -v qemu-system-x86_64) "\$@"
END
chmod 755 "$work/bin/qemu-system-x86_64"
touch "$work/kvm"
for _ in 1 2; do
	PATH=$work/bin:$PATH BUILD=$work/build MIKEY_KVM=$work/kvm run --no-modules -- sh -c 'exit 9'
done
[ $got = 9 ] && [ "$(grep -c 'accel kvm' "$work/started")" = 1 ] &&
	[ "$(grep -c 'accel tcg' "$work/started")" = 2 ]
verdict 'KVM that hangs is tried once, then emulation is used'
! pgrep -f "sleep 1000$" | while read -r p; do cat "/proc/$p/environ"; done 2>/dev/null |
	grep -qz "^BUILD=$work/build"
verdict 'and nothing of the trial is left'

# A QEMU that dies of a signal, twice, before the guest begins.
cat > "$work/bin/qemu-system-x86_64" <<-END
	#!/bin/sh
	echo >> $work/died
	[ "\$(wc -l < $work/died)" -gt 2 ] || kill -SEGV \$\$
	exec $(command -v qemu-system-x86_64) "\$@"
END
PATH=$work/bin:$PATH run --no-modules -- sh -c 'echo once; exit 9'
[ $got = 9 ] && [ "$(cat "$work/out")" = once ] &&
	[ "$(grep -c 'died of signal 11' "$work/err")" = 2 ]
verdict 'a QEMU that dies while it boots is started again'
# And one that dies when the command has begun.
cat > "$work/bin/qemu-system-x86_64" <<-END
	#!/bin/bash
	echo >> $work/dies
	status=\$(printf '%s\n' "\$@" | sed -n 's/^file,id=status,path=//p')
	echo begun > "\$status"
	kill -SEGV \$\$
END
PATH=$work/bin:$PATH run --no-modules -- true
[ $got = 125 ] && [ "$(wc -l < "$work/dies")" = 1 ]
verdict 'but not when the command may have run'

# A QEMU that takes its time to end, and a second signal meanwhile: whoever is
# interrupted with its parent gets one from the terminal and one for its parent.
cat > "$work/bin/qemu-system-x86_64" <<-END
	#!/bin/bash
	trap 'touch $work/ending; sleep 1; exit' TERM
	touch $work/up
	while :; do sleep 0.1; done
END
mkdir "$work/temporary"
exec 9>&2 2>/dev/null	# where bash tells of killed jobs
PATH=$work/bin:$PATH TMPDIR=$work/temporary "$here/run" --no-modules -- true >/dev/null &
until [ -e "$work/up" ]; do sleep 0.1; done
kill -TERM $!
until [ -e "$work/ending" ]; do sleep 0.1; done
kill -HUP $!
wait $!
exec 2>&9
[ -z "$(ls "$work/temporary")" ]
verdict 'a second signal while it ends leaves no folder'

for n in 1 2 3; do
	"$here/run" --no-modules -- sh -c "echo machine $n; exit $n" >"$work/out$n" 2>"$work/err" &
	eval "pid$n=\$!"
done
got=''
for n in 1 2 3; do
	eval "wait \$pid$n"
	got="$got $? $(cat "$work/out$n")"
done
[ "$got" = ' 1 machine 1 2 machine 2 3 machine 3' ]; verdict 'several at once do not mix'

run --no-such-option -- true
[ $got = 2 ] && [ -s "$work/err" ]; verdict 'an unknown option is 2, in words'

exec 2>/dev/null	# where bash tells of killed jobs
for signal in TERM KILL; do
	mkdir "$work/mark-$signal"
	"$here/run" --no-modules --rw "$work/mark-$signal" -- sleep 1000 >/dev/null 2>&1 &
	sleep 3
	if [ "$(machines "$work/mark-$signal")" = 1 ]; then
		kill -$signal $!
		ended "$work/mark-$signal"
	fi
	verdict "the machine ends with SIG$signal to its runner"
	wait
done
exit $((failed > 0))
