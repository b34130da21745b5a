// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both modules are loaded while memory is wanting: each allocation of their own
 * fails in turn. The module is there and can go, or it is not there and has left
 * nothing that the next one would trip over. Needs a kernel with fail-nth and
 * failslab, and MIKEY_MODULES; skipped without.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"
#include "tests/kselftest/fault.h"
#include "tests/kselftest/term.h"

#define MOST 20000

FIXTURE(load)
{
	bool able;
};

FIXTURE_SETUP(load)
{
	self->able = getenv("MIKEY_MODULES") && fault_able();
	if (!self->able)
		return;			/* and the test skips itself */
	module_unload("mikey_mime");
	module_unload("mikey_ticket");
}

FIXTURE_TEARDOWN(load)
{
	if (!self->able)
		return;
	module_load("mikey_ticket", "");
	module_load("mikey_mime", "");
}

/* The module's file in memory, so that reading it is a matter of few allocations. */
static int copy_of(const char *name)
{
	int from, to = memfd_create(name, MFD_CLOEXEC);
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("MIKEY_MODULES"), name);
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0 || to < 0 || fstat(from, &st) ||
	    sendfile(to, from, NULL, st.st_size) != st.st_size)
		return -1;
	close(from);
	return to;
}

static int load_from(int fd, const char *params)
{
	return syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
}

/*
 * How many allocations come before the module's own: those on the way to a
 * parameter that it refuses. They are not tried, since the kernel warns where
 * it has no memory for a module's tracepoints. Return: that, or an error.
 */
static int kernels_share(int fd, const char *refused)
{
	int err, num;

	fault_set(MOST);
	err = load_from(fd, refused);
	num = MOST - fault_left();
	fault_set(0);
	return err == -EINVAL || err == -ERANGE ? num : -EPROTO;
}

/*
 * @refused: a parameter that the module does not take
 *
 * Return: how many allocations are needed to load it, or an error.
 */
static int each_fails(const char *name, const char *refused)
{
	int fd = copy_of(name), first, n, wanted = 0, err = 0;
	bool hit = true;

	first = fd < 0 ? -ENOENT : kernels_share(fd, refused);
	if (first < 0)
		return first;
	for (n = first; !err && hit && n < MOST; ) {
		fault_set(++n);
		err = load_from(fd, "");
		hit = fault_hit();
		fault_set(0);
		if (hit && (err == -ENOMEM || err == -EFAULT)) {
			wanted++;
			err = 0;
		} else if (!err) {
			err = module_unload(name);
		}
	}
	close(fd);
	fprintf(stderr, "# %s: %d allocations, not %d of the kernel's, %d refused it, then %d\n",
		name, n - 1, first, wanted, err);
	return err ? err : hit ? -E2BIG : wanted;
}

TEST_F_TIMEOUT(load, each_fails, 400)
{
	struct peer_ticket ticket;
	struct term t;

	if (!self->able)
		SKIP(return, "no fail-nth in this kernel, or MIKEY_MODULES is not set");
	EXPECT_LT(5, each_fails("mikey_ticket", "suites=0"));
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	EXPECT_LT(5, each_fails("mikey_mime", "max_entity=0"));
	ASSERT_EQ(0, module_load("mikey_mime", ""));

	term_session();
	ASSERT_EQ(0, term_open(&t, ALICE));
	EXPECT_LT(0, term_grant(&t, BOB, &ticket));
	term_close(&t);
}

TEST_HARNESS_MAIN
