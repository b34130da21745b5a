// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing the audit trail; see audit.h.
 *
 * A line is complete when its newline is there, and only then is anything
 * answered. "head" is written after it: it may lag behind the segment by what a
 * killed process wrote, never the other way round, unless somebody cut the
 * segment or the power was cut.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/kms/audit.h"
#include "helper/kms/batch.h"

#define HEAD_LEN 160		/* always whole, so that it can be overwritten */
#define ROOM (64 * 1024)		/* for the longest line */
#define HEAD_FORMAT "mikey-kms audit 1 %08" PRIu32 " %018" PRId64 " %018" PRId64 " %s"

struct kms_audit {
	struct kms_batch *lines;	/* one thread writes for all */
	pthread_mutex_t lock;		/* for what is open */
	int64_t segment_max;
	bool sync;
	char *path;
	int directory;
	int head_fd;
	uint32_t segment;	/* that @fd is */
	int fd;
	uid_t owner;
	gid_t group;
};

/* What is amiss behind the last whole line. */
struct damage {
	bool cut;		/* lines up to @last_seq should be there */
	bool lost;		/* "head" was */
	bool torn;		/* @bytes that are no line, with @digest */
	bool newline;		/* which do not end in one */
	int64_t last_seq;
	int64_t bytes;
	uint8_t digest[KMS_AUDIT_HASH_LEN];
};

void kms_audit_segment_name(char name[KMS_AUDIT_NAME_MAX], uint32_t segment)
{
	snprintf(name, KMS_AUDIT_NAME_MAX, "%08" PRIu32 ".jsonl", segment);
}

static int parse_head(const char *text, struct kms_audit_head *head)
{
	char hex[KMS_AUDIT_HEX_LEN + 1];

	if (sscanf(text, "mikey-kms audit 1 %8" SCNu32 " %18" SCNd64 " %18" SCNd64 " %64[0-9a-f]",
		   &head->segment, &head->offset, &head->seq, hex) != 4 ||
	    strlen(hex) != KMS_AUDIT_HEX_LEN || !head->segment ||
	    head->offset < 0 || head->seq < 0)
		return -EBADMSG;
	return kms_audit_unhex(head->hash, hex);
}

/* 0, -ENOENT for an empty file, -EBADMSG for one that says something else. */
static int read_head(int fd, struct kms_audit_head *head)
{
	char text[HEAD_LEN + 1] = { 0 };
	ssize_t n = pread(fd, text, HEAD_LEN, 0);

	if (n < 0)
		return -errno;
	return n ? parse_head(text, head) : -ENOENT;
}

int kms_audit_head_read(int directory, struct kms_audit_head *head)
{
	int fd = openat(directory, KMS_AUDIT_HEAD, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = flock(fd, LOCK_SH) ? -errno : read_head(fd, head);
	close(fd);
	return ret;
}

static int write_head(const struct kms_audit *a, const struct kms_audit_head *head)
{
	char text[HEAD_LEN], hex[KMS_AUDIT_HEX_LEN + 1];
	int len;

	memset(text, ' ', sizeof(text));
	kms_audit_hex(hex, head->hash);
	len = snprintf(text, sizeof(text), HEAD_FORMAT, head->segment, head->offset,
		       head->seq, hex);
	text[len] = ' ';
	text[HEAD_LEN - 1] = '\n';
	return pwrite(a->head_fd, text, HEAD_LEN, 0) == HEAD_LEN ? 0 :
	       errno ? -errno : -EIO;
}

/* What root makes the service has to be able to write, too. */
static void hand_over(const struct kms_audit *a, int fd)
{
	if (!geteuid() && a->owner && fchown(fd, a->owner, a->group))
		return;		/* root can go on, and the service will say so */
}

static int open_segment(struct kms_audit *a, uint32_t segment)
{
	char name[KMS_AUDIT_NAME_MAX];
	int fd;

	if (a->fd >= 0 && a->segment == segment)
		return 0;
	kms_audit_segment_name(name, segment);
	fd = openat(a->directory, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	hand_over(a, fd);
	if (a->sync)
		fsync(a->directory);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = fd;
	a->segment = segment;
	return 0;
}

/* The segment's bytes from @from on; NULL without memory or after an error. */
static char *read_rest(int fd, int64_t from, int64_t size)
{
	char *text = malloc(size - from + 1);
	int64_t at = 0;
	ssize_t n;

	while (text && at < size - from) {
		n = pread(fd, text + at, size - from - at, from + at);
		if (n <= 0) {
			free(text);
			return NULL;
		}
		at += n;
	}
	return text;
}

/*
 * Behind what "head" knows there may be whole lines of a process that was
 * killed before it wrote "head", and a part of one.
 */
static int catch_up(struct kms_audit *a, struct kms_audit_head *head,
		    int64_t size, struct damage *damage)
{
	char *text, *at, *end, *stop;
	struct kms_audit_line line;

	text = read_rest(a->fd, head->offset, size);
	if (!text)
		return errno ? -errno : -EIO;
	end = text + (size - head->offset);
	damage->newline = end[-1] != '\n';
	for (at = text; at < end; at = stop + (stop < end)) {
		stop = memchr(at, '\n', end - at);
		if (!stop)
			stop = end;	/* whole but for its newline? */
		if (kms_audit_line_read(&line, at, stop - at) || !line.intact ||
		    line.seq != head->seq + 1 ||
		    memcmp(line.prev, head->hash, sizeof(head->hash)))
			break;
		head->seq = line.seq;
		memcpy(head->hash, line.hash, sizeof(head->hash));
	}
	if (at < end) {
		damage->torn = true;
		damage->bytes = end - at - !damage->newline;
		SHA256((const uint8_t *)at, damage->bytes, damage->digest);
	}
	head->offset = size;
	free(text);
	return 0;
}

/* The highest number of a segment that is there, or 0; or a negative errno. */
static int64_t last_segment(const struct kms_audit *a)
{
	char name[KMS_AUDIT_NAME_MAX];
	int fd = openat(a->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int64_t last = 0;
	uint32_t number;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	while ((entry = readdir(dir))) {
		number = strtoul(entry->d_name, NULL, 10);
		kms_audit_segment_name(name, number);
		if (!strcmp(name, entry->d_name) && number > last)
			last = number;
	}
	closedir(dir);
	return last;
}

/*
 * "head" is empty or damaged: the chain is sought in the last segment there is,
 * from its first line on. @lost: there is one, so that "head" was there, too.
 */
static int find_head(struct kms_audit *a, struct kms_audit_head *head, bool *lost)
{
	int64_t last = last_segment(a);
	struct kms_audit_line line;
	char *text, *newline;
	struct stat st;
	int ret;

	memset(head, 0, sizeof(*head));
	*lost = last > 1;
	head->segment = last > 0 ? last : 1;
	ret = last < 0 ? (int)last : open_segment(a, head->segment);
	if (ret || fstat(a->fd, &st) || !st.st_size)
		return ret;
	*lost = true;
	text = read_rest(a->fd, 0, st.st_size);
	if (!text)
		return -EIO;
	newline = memchr(text, '\n', st.st_size);
	if (newline && !kms_audit_line_read(&line, text, newline - text)) {
		head->seq = line.seq - 1;
		memcpy(head->hash, line.prev, sizeof(line.prev));
	}
	free(text);
	return 0;
}

/* The chain's end as it is, and what is wrong with it. */
static int locate(struct kms_audit *a, struct kms_audit_head *head,
		  struct damage *damage)
{
	struct stat st;
	int ret;

	memset(damage, 0, sizeof(*damage));
	ret = read_head(a->head_fd, head);
	if (ret == -ENOENT || ret == -EBADMSG)
		ret = find_head(a, head, &damage->lost);
	if (!ret)
		ret = open_segment(a, head->segment);
	if (!ret && fstat(a->fd, &st))
		ret = -errno;
	if (!ret && !st.st_nlink) {
		/* Removed while it was open here: a new file of that name. */
		close(a->fd);
		a->fd = -1;
		ret = open_segment(a, head->segment);
		if (!ret && fstat(a->fd, &st))
			ret = -errno;
	}
	if (ret || st.st_size == head->offset)
		return ret;
	if (st.st_size > head->offset)
		return catch_up(a, head, st.st_size, damage);
	damage->cut = true;
	damage->last_seq = head->seq;
	head->offset = st.st_size;
	return 0;
}

static int append(struct kms_audit *a, struct kms_audit_head *head,
		  const char *text, size_t len)
{
	ssize_t n = write(a->fd, text, len);
	int ret = n < 0 ? -errno : -ENOSPC;

	if (n == (ssize_t)len) {
		head->offset += len;
		return 0;
	}
	/* No half of a line stays; should this fail, too, it is found as torn. */
	if (n > 0 && ftruncate(a->fd, head->offset))
		head->offset += n;
	return ret;
}

static int append_line(struct kms_audit *a, struct kms_audit_head *head,
		       const char *members, size_t len)
{
	struct kms_audit_line line = {
		.seq = head->seq + 1,
		.members = members,
		.members_len = len,
	};
	size_t size;
	char *text;
	int ret;

	memcpy(line.prev, head->hash, sizeof(line.prev));
	text = kms_audit_line_write(&line, &size);
	if (!text)
		return -ENOMEM;
	ret = append(a, head, text, size);
	free(text);
	if (ret)
		return ret;
	head->seq = line.seq;
	memcpy(head->hash, line.hash, sizeof(head->hash));
	return 0;
}

/* Said in the trail itself, so that no reader takes it for a silent loss. */
static int append_breaks(struct kms_audit *a, struct kms_audit_head *head,
			 const struct damage *damage)
{
	char hex[KMS_AUDIT_HEX_LEN + 1], members[256];
	int len, ret = 0;

	if (damage->newline)
		ret = append(a, head, "\n", 1);
	if (!ret && damage->torn) {
		kms_audit_hex(hex, damage->digest);
		len = snprintf(members, sizeof(members),
			       "\"event\":\"break\",\"what\":\"torn\",\"bytes\":%" PRId64
			       ",\"sha256\":\"%s\"", damage->bytes, hex);
		ret = append_line(a, head, members, len);
	}
	if (!ret && (damage->cut || damage->lost)) {
		len = snprintf(members, sizeof(members),
			       "\"event\":\"break\",\"what\":\"%s\",\"last_seq\":%" PRId64,
			       damage->cut ? "cut" : "head", damage->last_seq);
		ret = append_line(a, head, members, len);
	}
	return ret;
}

/* One of the lines that are written together. */
struct entry {
	struct kms_batch_item item;	/* first */
	const char *members;
	size_t len;
};

/* With a segment that is full all that is in it has to be on the disk, too. */
static int next_segment(struct kms_audit *a, struct kms_audit_head *head)
{
	if (a->sync && fdatasync(a->fd))
		return -errno;
	head->segment++;
	head->offset = 0;
	return open_segment(a, head->segment);
}

/* An error is one of all lines; one that a single line met is in its item. */
static int write_locked(struct kms_audit *a, struct kms_batch_item *first)
{
	struct kms_audit_head head;
	struct kms_batch_item *item;
	struct damage damage;
	int ret;

	ret = locate(a, &head, &damage);
	if (ret)
		return ret;
	ret = append_breaks(a, &head, &damage);
	for (item = first; item; item = item->next) {
		const struct entry *e = (const struct entry *)item;

		if (!ret && head.offset >= a->segment_max)
			ret = next_segment(a, &head);
		if (!ret)
			ret = append_line(a, &head, e->members, e->len);
		item->ret = ret;
	}
	/* Also after an error: what was written before it is there. */
	return write_head(a, &head) ? -EIO : 0;
}

static int open_head(struct kms_audit *a)
{
	a->head_fd = openat(a->directory, KMS_AUDIT_HEAD,
			    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->head_fd < 0)
		return -errno;
	hand_over(a, a->head_fd);
	return 0;
}

/* A lock on a file that was removed would be one on nothing. */
static int lock_head(struct kms_audit *a)
{
	struct stat st;
	int ret = 0;

	do {
		if (a->head_fd < 0)
			ret = open_head(a);
		while (!ret && flock(a->head_fd, LOCK_EX))
			ret = errno == EINTR ? 0 : -errno;
		if (!ret && fstat(a->head_fd, &st))
			ret = -errno;
		if (!ret && !st.st_nlink) {
			close(a->head_fd);
			a->head_fd = -1;
		}
	} while (!ret && a->head_fd < 0);
	return ret;
}

static int cannot_write(const struct kms_audit *a, int ret, struct problem *problem)
{
	return problem_set(problem, ret, "%s: the audit trail cannot be written: %s",
			   a->path, strerror(-ret));
}

/*
 * All lines that threads of this process have, under one lock and with one wait
 * for the disk, which others who share the trail do not wait for.
 */
static void write_together(void *ctx, struct kms_batch_item *first)
{
	struct kms_batch_item *item;
	struct kms_audit *a = ctx;
	int to_sync = -1, ret;

	pthread_mutex_lock(&a->lock);
	ret = lock_head(a);
	if (!ret) {
		errno = 0;
		ret = write_locked(a, first);
		if (!ret && a->sync)
			to_sync = dup(a->fd);
		flock(a->head_fd, LOCK_UN);
	}
	pthread_mutex_unlock(&a->lock);
	if (!ret && a->sync && (to_sync < 0 || fdatasync(to_sync)))
		ret = -EIO;
	if (to_sync >= 0)
		close(to_sync);
	for (item = first; item && ret; item = item->next)
		item->ret = ret;
}

int kms_audit_write(struct kms_audit *a, const char *members, size_t len,
		    struct problem *problem)
{
	struct entry e = { .members = members, .len = len };
	int ret = kms_batch_run(a->lines, &e.item, write_together, a);

	return ret ? cannot_write(a, ret, problem) : 0;
}

/* Behind the last line, unseen by whoever reads. */
static int set_room_aside(struct kms_audit *a)
{
	struct kms_audit_head head;
	int ret = read_head(a->head_fd, &head);

	if (ret == -ENOENT || ret == -EBADMSG)
		return 0;		/* who writes next mends it */
	if (!ret)
		ret = open_segment(a, head.segment);
	if (!ret && fallocate(a->fd, FALLOC_FL_KEEP_SIZE, head.offset, ROOM) &&
	    errno != EOPNOTSUPP)
		ret = -errno;
	return ret;
}

int kms_audit_probe(struct kms_audit *a, struct problem *problem)
{
	int ret;

	pthread_mutex_lock(&a->lock);
	ret = lock_head(a);
	if (!ret) {
		ret = set_room_aside(a);
		flock(a->head_fd, LOCK_UN);
	}
	pthread_mutex_unlock(&a->lock);
	return ret ? cannot_write(a, ret, problem) : 0;
}

/* As root: the owner of the folder that the trail's folder is in. */
static int make_directory(struct kms_audit *a)
{
	char *parent = strdup(a->path), *slash;
	struct stat st;

	if (!parent)
		return -ENOMEM;
	if (!mkdir(a->path, 0700)) {
		slash = strrchr(parent, '/');
		if (slash)
			slash[slash == parent] = '\0';
		if (!geteuid() && !stat(slash ? parent : ".", &st) && st.st_uid &&
		    chown(a->path, st.st_uid, st.st_gid))
			st.st_uid = 0;
	} else if (errno != EEXIST) {
		free(parent);
		return -errno;
	}
	free(parent);
	return 0;
}

struct kms_audit *kms_audit_open(const struct kms_audit_settings *settings,
				 struct problem *problem)
{
	struct kms_audit *a = calloc(1, sizeof(*a));
	struct stat st;
	int ret = -ENOMEM;

	if (!a) {
		problem_set(problem, ret, "no memory");
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	a->lines = kms_batch_new();
	a->directory = -1;
	a->head_fd = -1;
	a->fd = -1;
	a->segment_max = settings->segment_max;
	a->sync = settings->sync;
	a->path = strdup(settings->directory);
	if (a->path && a->lines)
		ret = make_directory(a);
	if (!ret) {
		a->directory = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = a->directory < 0 || fstat(a->directory, &st) ? -errno : 0;
	}
	if (!ret) {
		a->owner = st.st_uid;
		a->group = st.st_gid;
		ret = open_head(a);
	}
	if (!ret)
		return a;
	problem_set(problem, ret, "%s: the audit trail cannot be opened: %s",
		    settings->directory, strerror(-ret));
	kms_audit_close(a);
	return NULL;
}

void kms_audit_close(struct kms_audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	if (a->head_fd >= 0)
		close(a->head_fd);
	if (a->directory >= 0)
		close(a->directory);
	pthread_mutex_destroy(&a->lock);
	kms_batch_free(a->lines);
	free(a->path);
	free(a);
}
