// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work that one thread does for several (batch.h), and admissions that share a
 * commit: each gets its own verdict, and what is refused leaves no trace.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "helper/kms/pool.h"
#include "tests/unit/kms/place.h"

#define THREADS 12
#define ROUNDS 40

struct work {
	struct kms_batch_item item;
	int number;
};

static struct kms_batch *batch;
static atomic_int at_work;

static void do_all(void *ctx, struct kms_batch_item *first)
{
	struct kms_batch_item *item;

	(void)ctx;
	assert_int_equal(atomic_fetch_add(&at_work, 1), 0);
	for (item = first; item; item = item->next) {
		item->ret = ((struct work *)item)->number;
		((struct work *)item)->number = -1;	/* not twice */
	}
	atomic_fetch_sub(&at_work, 1);
}

static void *ask_often(void *arg)
{
	struct work w = { 0 };
	int i;

	for (i = 1; i <= 1000; i++) {
		w.number = i + 1000 * *(int *)arg;
		if (kms_batch_run(batch, &w.item, do_all, NULL) != i + 1000 * *(int *)arg)
			return "another's result";
		if (w.number != -1)
			return "not done";
	}
	return NULL;
}

/* Run in all threads; what each returned is NULL, or what is wrong. */
static void in_threads(void *(*run)(void *arg))
{
	static int numbers[THREADS];
	pthread_t threads[THREADS];
	void *wrong[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, run, &numbers[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], &wrong[i]);
	for (i = 0; i < THREADS; i++)
		if (wrong[i])
			fail_msg("thread %d: %s", i, (char *)wrong[i]);
}

static void one_for_all(void **state)
{
	(void)state;
	batch = kms_batch_new();
	assert_non_null(batch);
	in_threads(ask_often);
	kms_batch_free(batch);
}

static struct kms_pool *pool;
static atomic_int won;

static int admit(const char *what, int a, int b, s64 t, s64 counter)
{
	struct kms_admission admission = {
		.psk_id = str("a"),
		.counter = counter > 0,
		.t = counter > 0 ? counter : t,
		.now = NOW,
		.skew = 60,
		.t_answer = NOW,
	};
	struct kms_database *d = kms_pool_take(pool);
	s64 answer;
	int ret;

	snprintf((char *)admission.digest, sizeof(admission.digest), "%s %d %d", what, a, b);
	ret = d->store.ops->admit(&d->store, &admission, &answer);
	kms_pool_give(pool, d);
	return ret;
}

static void *admit_all(void *arg)
{
	int me = *(int *)arg, i, ret;

	for (i = 0; i < ROUNDS; i++) {
		if (admit("own", me, i, NOW, 0))
			return "refused";
		ret = admit("shared", 0, i, NOW, 0);
		if (ret && ret != -EALREADY)
			return "another error";
		atomic_fetch_add(&won, !ret);
		if (admit("old", me, i, NOW - 61, 0) != -ETIME)
			return "older than the record, and admitted";
		/* seen before, with a counter that would have been good */
		if (admit("own", me, i, NOW, 1000 + i) != -EALREADY)
			return "admitted twice";
	}
	return NULL;
}

static void admitted_together(void **state)
{
	struct place *p = *state;
	int me, i;

	place_user(p, ALICE, "a", 1);
	pool = kms_pool_new(p->where, p->seal, THREADS, &p->problem);
	assert_non_null(pool);
	in_threads(admit_all);
	assert_int_equal(won, ROUNDS);
	kms_pool_free(pool);
	/* as the disk has it */
	pool = kms_pool_new(p->where, p->seal, 1, &p->problem);
	assert_non_null(pool);
	for (i = 0; i < ROUNDS; i++) {
		for (me = 0; me < THREADS; me++)
			assert_int_equal(admit("own", me, i, NOW, 0), -EALREADY);
		assert_int_equal(admit("shared", 0, i, NOW, 0), -EALREADY);
	}
	/* no counter of a refused request was taken over */
	assert_int_equal(admit("counter", 0, 0, NOW, 1), 0);
	kms_pool_free(pool);
	atomic_store(&won, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_all),
		cmocka_unit_test_prestate_setup_teardown(admitted_together, place_store_setup,
							 place_teardown, &place_both),
	};

	return place_run("together", tests, ARRAY_SIZE(tests));
}
