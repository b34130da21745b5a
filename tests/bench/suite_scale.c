// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One processor and two: each has a thread of its own with its own terminals,
 * tickets and socket. Windows with one and with two take turns, so that what
 * else the machine does meanwhile hits both, and the best window counts.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "bench.h"

#define BODY 1024
#define THREADS 2
#define WINDOW_NS 200000000ULL

struct thread {
	pthread_t id;
	int cpu;
	const struct contestant *c;
	enum bench_op op;
	u32 batch;
	u64 done;
};

/**
 * struct window - a time in which threads run
 * @gate: before and after it
 * @running: how many threads do; 0: there is no other window
 * @until: when it ends
 */
static struct window {
	pthread_barrier_t gate;
	u32 running;
	u64 until;
} window;

static void pin(int cpu)
{
	cpu_set_t set = { 0 };

	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct stage stage;
	void *worker;

	pin(t->cpu);
	stage_open(&stage);
	worker = t->c->open(t->c, &stage);
	for (;;) {
		u32 i;

		t->c->ready(worker, t->op, BODY, t->batch);
		t->done = 0;
		pthread_barrier_wait(&window.gate);
		if (!window.running)
			break;
		while ((u32)t->cpu < window.running && bench_now() < window.until)
			for (i = 0; i < t->batch; i++, t->done++)
				t->c->run(worker, i);
		pthread_barrier_wait(&window.gate);
	}
	t->c->close(worker);
	stage_close(&stage);
	return NULL;
}

/* Operations per second that @num threads do in one window. */
static double look(struct thread *threads, u32 num)
{
	u64 start, done = 0;
	u32 i;

	window.running = num;
	start = bench_now();
	window.until = start + WINDOW_NS;
	pthread_barrier_wait(&window.gate);
	pthread_barrier_wait(&window.gate);
	for (i = 0; i < THREADS; i++)
		done += threads[i].done;
	return done * 1e9 / (bench_now() - start);
}

static void one(const struct bench *b, const struct contestant *c)
{
	struct thread threads[THREADS];
	double best[THREADS + 1] = { 0 }, rate;
	u64 end;
	u32 i;

	bench_say("scale: %s", c->name);
	pthread_barrier_init(&window.gate, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .cpu = i, .c = c, .op = BENCH_PROTECT,
					      .batch = b->batch };
		if (pthread_create(&threads[i].id, NULL, work, &threads[i]))
			bench_die("no thread");
	}
	look(threads, 1);			/* warms up */
	end = bench_now() + b->seconds * 1000000000ULL;
	do {
		for (i = 1; i <= THREADS; i++) {
			rate = look(threads, i);
			if (rate > best[i])
				best[i] = rate;
		}
	} while (bench_now() < end);
	window.running = 0;
	pthread_barrier_wait(&window.gate);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&window.gate);
	for (i = 1; i <= THREADS; i++) {
		row_begin("scale");
		row_text("contestant", c->name);
		row_number("cpus", i);
		row_text("op", bench_op_names[BENCH_PROTECT]);
		row_number("bytes", BODY);
		row_number("per_second", best[i]);
		row_end();
	}
}

void suite_scale(const struct bench *b)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < THREADS) {
		bench_say("scale: this machine has one processor");
		return;
	}
	one(b, &contestant_floor);
	one(b, &contestant_openssl);
	one(b, &contestant_product);
}
