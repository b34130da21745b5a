// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking mikeyd. */
#include "helper/mikeyctl/mailbox.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "helper/lib/config.h"
#include "helper/lib/socket_path.h"

/* A body of half a megabyte, escaped or in base64, and all about it. */
#define ANSWER_MAX (8 * 1024 * 1024)
#define ANSWER_STEP 65536

/* Of several users the first who has one. */
static const char *inbox_of(const struct config *config)
{
	const char *path = NULL;

	for (unsigned int i = 0; !path && i < config->n_users; i++)
		path = config->users[i].inbox.socket;
	return path;
}

static const char *control_of(const struct config *config)
{
	return config->control_socket;
}

static const struct kind {
	const char *name;		/* of the usual socket */
	const char *(*of)(const struct config *config);
	const char *none, *late;
} kinds[] = {
	[MAILBOX_INBOX] = {
		SOCKET_INBOX, inbox_of,
		"no inbox is found: is there one in mikeyd.conf(5)? (--socket, --config)",
		"no message came in time"
	},
	[MAILBOX_CONTROL] = {
		SOCKET_CONTROL, control_of,
		"no mikeyd is found (--socket, --config)",
		"mikeyd did not answer in time"
	},
};

static int find(struct sockaddr_un *address, const struct kind *kind, const char *path,
		const char *file, struct problem *problem)
{
	struct config config = { 0 };
	char usual[sizeof(address->sun_path)];
	int err = 0;

	if (!path && config_load(&config, file ? file : CONFIG_DEFAULT_FILE, problem) < 0 && file)
		return problem->error;
	if (!path)
		path = kind->of(&config);
	if (!path && !socket_path_found(usual, sizeof(usual), kind->name))
		path = usual;
	if (!path)
		err = problem_set(problem, -ENOENT, "%s", kind->none);
	else if (strlen(path) >= sizeof(address->sun_path))
		err = problem_set(problem, -ENAMETOOLONG, "%s: too long for a socket", path);
	else
		strcpy(address->sun_path, path);
	config_free(&config);
	return err;
}

int mailbox_open(struct mailbox *mailbox, enum mailbox_kind kind, const char *path,
		 const char *config, struct problem *problem)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*mailbox = (struct mailbox){ .kind = kind, .fd = -1 };
	if (find(&address, &kinds[kind], path, config, problem))
		return problem->error;
	mailbox->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (mailbox->fd < 0 ||
	    connect(mailbox->fd, (const struct sockaddr *)&address, sizeof(address))) {
		problem_set(problem, -errno, "%s: %s: is mikeyd running?", address.sun_path,
			    strerror(errno));
		mailbox_close(mailbox);
		return problem->error;
	}
	return 0;
}

static void forget(struct mailbox *mailbox)
{
	if (mailbox->text)
		OPENSSL_cleanse(mailbox->text, mailbox->size);
	free(mailbox->text);
	mailbox->text = NULL;
	mailbox->len = 0;
	mailbox->size = 0;
}

void mailbox_close(struct mailbox *mailbox)
{
	if (mailbox->fd >= 0)
		close(mailbox->fd);
	mailbox->fd = -1;
	forget(mailbox);
}

static int send_request(struct mailbox *mailbox, json_t *request, struct problem *problem)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	ssize_t sent;

	json_decref(request);
	if (!text)
		return problem_set(problem, -ENOMEM, "no memory");
	text[len] = '\n';
	/* a request is shorter than any buffer of a socket */
	sent = send(mailbox->fd, text, len + 1, MSG_NOSIGNAL);
	free(text);
	if (sent != (ssize_t)len + 1)
		return problem_set(problem, -EPIPE, "mikeyd is gone, or serves others and not you");
	return 0;
}

static int grow(struct mailbox *mailbox, struct problem *problem)
{
	size_t size = mailbox->size ? 2 * mailbox->size : ANSWER_STEP;
	char *text;

	if (mailbox->len < mailbox->size)
		return 0;
	text = size <= ANSWER_MAX ? malloc(size) : NULL;
	if (!text)
		return problem_set(problem, -ENOMEM, "no memory for what mikeyd says");
	if (mailbox->len) {
		memcpy(text, mailbox->text, mailbox->len);
		OPENSSL_cleanse(mailbox->text, mailbox->len);
	}
	free(mailbox->text);
	mailbox->text = text;
	mailbox->size = size;
	return 0;
}

/* Milliseconds until then, as poll(2) wants them. */
static int until(const struct timespec *end)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
}

/* A whole line: only one comes until the next request. */
static int hear(struct mailbox *mailbox, int64_t seconds, struct problem *problem)
{
	struct pollfd poll_for = { .fd = mailbox->fd, .events = POLLIN };
	struct timespec end;
	ssize_t got;
	int ready;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	mailbox->len = 0;
	do {
		ready = poll(&poll_for, 1, seconds ? until(&end) : -1);
		if (!ready)
			return problem_set(problem, -ETIMEDOUT, "%s", kinds[mailbox->kind].late);
		if (ready < 0 && errno == EINTR)
			continue;
		if (grow(mailbox, problem))
			return problem->error;
		got = read(mailbox->fd, mailbox->text + mailbox->len,
			   mailbox->size - mailbox->len);
		if (got <= 0)
			return problem_set(problem, -EPIPE,
					   "mikeyd is gone, or serves others and not you");
		mailbox->len += got;
	} while (mailbox->text[mailbox->len - 1] != '\n');
	return 0;
}

/* The errno of a name that mikeyd gives. */
static int error_of(const char *name)
{
	static const int known[] = {
		EINVAL, ENOENT, EBUSY, EOPNOTSUPP, ENOMEM, EIO,
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(strerrorname_np(known[i]), name))
			return -known[i];
	return -EPROTO;
}

int mailbox_ask(struct mailbox *mailbox, json_t *request, int64_t seconds, json_t **answer,
		struct problem *problem)
{
	const char *error = "", *reason = "mikeyd says what this program does not understand";
	int ok = 0;

	*answer = NULL;
	if (send_request(mailbox, request, problem) || hear(mailbox, seconds, problem))
		return problem->error;
	*answer = json_loadb(mailbox->text, mailbox->len, 0, NULL);
	forget(mailbox);
	json_unpack(*answer, "{s?b, s?s, s?s}", "ok", &ok, "error", &error, "reason", &reason);
	if (ok)
		return 0;
	problem_set(problem, error_of(error), "%s", reason);
	json_decref(*answer);
	*answer = NULL;
	return problem->error;
}

int mailbox_take(struct mailbox *mailbox, int64_t id, struct problem *problem)
{
	json_t *answer;
	int err = mailbox_ask(mailbox, json_pack("{s:s, s:I}", "command", "take", "id",
						 (json_int_t)id), 0, &answer, problem);

	json_decref(answer);
	return err;
}
