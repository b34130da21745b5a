// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The netlink fuzzer's corpus on whatever kernel there is: all of it is cooked
 * once, and the modules must then work as before. The honest recipes must be
 * taken, or the fuzzer would be bending what is refused at the door.
 */
#include <kselftest_harness.h>

#include <stdlib.h>

#include "corpus.h"
#include "scene.h"
#include "tests/kselftest/ticket/module.h"
#include "uapi/mikey_ticket.h"

#define FOLDER "tests/fuzz/corpus/fuzz-netlink"
#define LEAST 30

FIXTURE(netlink)
{
	bool all;
	struct corpus c;
};

FIXTURE_SETUP(netlink)
{
	int err = module_allow_suite(MIKEY_SUITE_128);

	self->all = !err;
	if (err != -ENOENT)
		ASSERT_EQ(0, err);
	ASSERT_EQ(0, scene_open(self->all));
	self->c.num = 0;
}

FIXTURE_TEARDOWN(netlink)
{
	module_allow_default();
}

/* An Error message is taken, too, and told: with and without MAC */
static bool taken(const struct recipe *r, int err)
{
	bool error = r->step == STEP_GRANT_ERROR || r->step == STEP_ADMIT_ERROR;

	return error ? err == -EREMOTEIO || err == -ECOMM : !err;
}

TEST_F_TIMEOUT(netlink, honest, 120)
{
	int err;

	corpus_honest(&self->c);
	for (u32 i = 0; i < self->c.num; i++) {
		const struct recipe *r = &self->c.r[i];

		scene_cook(r, &err);
		EXPECT_TRUE(taken(r, err))
			TH_LOG("step %u, kind %u, arg %u: %d", r->step, r->kind, r->arg, err);
	}
}

TEST_F_TIMEOUT(netlink, corpus, 120)
{
	struct recipe r;
	int err;

	ASSERT_LE(LEAST, corpus_load(&self->c, FOLDER));
	for (u32 i = 0; i < self->c.num; i++)
		scene_cook(&self->c.r[i], &err);
	for (u8 step = 0; step < STEP_NUM; step++) {
		r = (struct recipe){ .step = step, .arg = 1 };
		scene_cook(&r, &err);
		EXPECT_TRUE(taken(&r, err))
			TH_LOG("step %u after the corpus: %d", step, err);
	}
}

TEST_HARNESS_MAIN
