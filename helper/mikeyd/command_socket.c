// SPDX-License-Identifier: GPL-2.0-or-later
/* A socket and those who ask there. */
#include "helper/mikeyd/command_socket.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper/lib/libre.h"
#include "helper/lib/log.h"

#define ASKERS_MAX 16
#define REQUEST_MAX 1024

struct command_socket {
	const struct command_handlers *handlers;
	void *arg;
	int fd;
	struct list askers;
	struct sockaddr_un address;
};

struct asker {
	struct le le;
	struct command_socket *socket;
	int fd;
	char request[REQUEST_MAX];	/* what was read of a line, and of the next */
	size_t len;
	json_t *waiting;		/* a request that has no answer yet */
	char *answer;			/* what is being written */
	size_t answer_len, written;
	max_align_t state[];		/* the handlers' */
};

json_t *command_refusal(int error, const char *reason)
{
	const char *name = strerrorname_np(-error);

	return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", name ? name : "EIO",
			 "reason", reason);
}

static void drop_answer(struct asker *asker)
{
	if (asker->answer)
		OPENSSL_cleanse(asker->answer, asker->answer_len);
	free(asker->answer);
	asker->answer = NULL;
}

/* True if those who wait are to ask again. */
static bool asker_close(struct asker *asker)
{
	const struct command_socket *from = asker->socket;
	bool again = from->handlers->left && from->handlers->left(asker->state, from->arg);

	fd_close(asker->fd);
	close(asker->fd);
	list_unlink(&asker->le);
	json_decref(asker->waiting);
	drop_answer(asker);
	free(asker);
	return again;
}

static void ready(int flags, void *arg);

static void asker_leaves(struct asker *asker)
{
	struct command_socket *from = asker->socket;

	if (asker_close(asker))
		command_socket_again(from);
}

/* Hear the asker while there is nothing to say: also that it left. */
static bool listen_to(struct asker *asker)
{
	return !fd_listen(asker->fd, asker->answer ? FD_WRITE : FD_READ, ready, asker);
}

/* False: it is gone. */
static bool write_more(struct asker *asker)
{
	ssize_t wrote;

	while (asker->written < asker->answer_len) {
		wrote = send(asker->fd, asker->answer + asker->written,
			     asker->answer_len - asker->written, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (wrote < 0)
			return errno == EAGAIN || errno == EINTR;
		asker->written += wrote;
	}
	drop_answer(asker);
	return true;
}

/* Takes the answer. */
static bool say(struct asker *asker, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(answer);
	if (!text)
		return false;
	/* the line's end takes the place of the zero byte */
	text[len] = '\n';
	asker->answer = text;
	asker->answer_len = len + 1;
	asker->written = 0;
	return write_more(asker);
}

/* Takes the request; it may have to wait. */
static bool deal_with(struct asker *asker, json_t *request)
{
	struct command_socket *from = asker->socket;
	json_t *answer = from->handlers->answer(request, asker->state, from->arg);

	if (!answer) {
		asker->waiting = request;
		return true;
	}
	json_decref(request);
	return say(asker, answer);
}

/* The requests that are there, up to one that cannot be answered at once. */
static bool deal_with_lines(struct asker *asker)
{
	char *end;

	while (!asker->answer && !asker->waiting &&
	       (end = memchr(asker->request, '\n', asker->len))) {
		size_t len = end - asker->request;
		json_t *request = json_loadb(asker->request, len, JSON_REJECT_DUPLICATES, NULL);

		asker->len -= len + 1;
		memmove(asker->request, end + 1, asker->len);
		if (!(request ? deal_with(asker, request) :
		      say(asker, command_refusal(-EINVAL, "a line that is no JSON object"))))
			return false;
	}
	return true;
}

static bool read_more(struct asker *asker)
{
	ssize_t got = recv(asker->fd, asker->request + asker->len,
			   sizeof(asker->request) - asker->len, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	asker->len += got;
	/* who says more than fits while it waits, or in one line, is no asker */
	return got && deal_with_lines(asker) && asker->len < sizeof(asker->request);
}

static void ready(int flags, void *arg)
{
	struct asker *asker = arg;
	bool there = true;

	if (flags & FD_WRITE)
		there = write_more(asker) && deal_with_lines(asker);
	else
		there = read_more(asker);
	if (!there || !listen_to(asker))
		asker_leaves(asker);
}

/* Ask again for one that waits. False: it went. */
static bool ask_again(struct asker *asker)
{
	json_t *request = asker->waiting;

	asker->waiting = NULL;
	if (!request || (deal_with(asker, request) && listen_to(asker)))
		return true;
	asker_close(asker);
	return false;
}

void command_socket_again(struct command_socket *from)
{
	struct le *le;
	bool again;

	do {
		again = false;
		for (le = list_head(&from->askers); le && !again;) {
			struct asker *asker = le->data;

			le = le->next;
			again = !ask_again(asker);
		}
	} while (again);
}

static bool may_ask(const struct command_socket *from, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	if (from->handlers->allowed(peer.uid, from->arg))
		return true;
	log_event(WARNING, "asker-refused", log_number("uid", peer.uid),
		  log_text("socket", from->address.sun_path));
	return false;
}

static void somebody_comes(int flags, void *arg)
{
	struct command_socket *from = arg;
	struct asker *asker;
	int fd;

	(void)flags;
	fd = accept4(from->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	asker = list_count(&from->askers) < ASKERS_MAX && may_ask(from, fd) ?
		calloc(1, sizeof(*asker) + from->handlers->state_size) : NULL;
	if (!asker) {
		close(fd);
		return;
	}
	asker->socket = from;
	asker->fd = fd;
	list_append(&from->askers, &asker->le, asker);
	if (from->handlers->came)
		from->handlers->came(asker->state, from->arg);
	if (!listen_to(asker))
		asker_close(asker);
}

/* Does somebody listen at this path? What nobody does was left behind. */
static bool in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used = fd < 0 || !connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
		errno != ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return used;
}

static int listen_at(struct command_socket *from, struct problem *problem)
{
	const struct sockaddr_un *address = &from->address;
	struct stat found;
	int err;

	if (!lstat(address->sun_path, &found)) {
		if (!S_ISSOCK(found.st_mode) || in_use(address))
			return problem_set(problem, -EADDRINUSE, "%s: it is there and in use",
					   address->sun_path);
		unlink(address->sun_path);
	}
	from->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (from->fd < 0 || bind(from->fd, (const struct sockaddr *)address, sizeof(*address)))
		return problem_set(problem, -errno, "%s: %s", address->sun_path, strerror(errno));
	/* who may ask is decided by who they are, and by the folder */
	if (chmod(address->sun_path, 0666) || listen(from->fd, ASKERS_MAX))
		err = errno;
	else
		err = fd_listen(from->fd, FD_READ, somebody_comes, from);
	if (!err)
		return 0;
	unlink(address->sun_path);
	return problem_set(problem, -err, "%s: %s", address->sun_path, strerror(err));
}

int command_socket_open(struct command_socket **out, const char *path,
			const struct command_handlers *handlers, void *arg,
			struct problem *problem)
{
	struct command_socket *from = calloc(1, sizeof(*from));
	size_t len = strlen(path);

	*out = NULL;
	if (!from)
		return problem_set(problem, -ENOMEM, "no memory");
	from->handlers = handlers;
	from->arg = arg;
	from->fd = -1;
	from->address.sun_family = AF_UNIX;
	if (len >= sizeof(from->address.sun_path)) {
		problem_set(problem, -ENAMETOOLONG, "%s: longer than %zu characters", path,
			    sizeof(from->address.sun_path) - 1);
	} else {
		memcpy(from->address.sun_path, path, len + 1);
		if (!listen_at(from, problem)) {
			*out = from;
			return 0;
		}
	}
	if (from->fd >= 0)
		close(from->fd);
	free(from);
	return problem->error;
}

void command_socket_close(struct command_socket *from)
{
	struct le *le;

	if (!from)
		return;
	while ((le = list_head(&from->askers)))
		asker_close(le->data);
	fd_close(from->fd);
	close(from->fd);
	unlink(from->address.sun_path);
	free(from);
}
