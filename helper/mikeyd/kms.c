// SPDX-License-Identifier: GPL-2.0-or-later
/* libcurl's multi interface on libre's event loop. */
#include "helper/mikeyd/kms.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/lib/libre.h"
#include "helper/lib/log.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/txn.h"

#define KMS_REQUESTS 2

struct kms {
	CURLM *multi;
	struct curl_slist *headers;
	const struct config_user *config;
	struct tmr timer;
	struct list exchanges;
	uint64_t quiet_until[KMS_REQUESTS];	/* as the KMS asked; of tmr_jiffies() */
};

struct kms_exchange {
	struct le le;
	struct kms *kms;
	enum kms_request request;
	char txn[TXN_SIZE];
	CURL *easy;
	struct tmr quiet;		/* it is not asked at all */
	uint64_t since;			/* tmr_jiffies() */
	char *body;
	struct mbuf *answer;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	kms_answer_h *handler;
	void *arg;
};

static const char * const request_types[] = {
	[KMS_TICKET_REQUEST] = "ticketrequest",
	[KMS_TICKET_RESOLVE] = "ticketresolve",
};

static void exchange_destroy(void *data)
{
	struct kms_exchange *exchange = data;

	if (exchange->le.list)
		counter_less(COUNTER_KMS_WAITING, exchange->request, 0);
	list_unlink(&exchange->le);
	tmr_cancel(&exchange->quiet);
	if (exchange->easy) {
		curl_multi_remove_handle(exchange->kms->multi, exchange->easy);
		curl_easy_cleanup(exchange->easy);
	}
	mem_deref(exchange->body);
	mem_deref(exchange->answer);
}

/* Seconds for which the KMS does not want to be asked. */
static unsigned int quiet_for(const struct kms *kms, enum kms_request request)
{
	uint64_t now = tmr_jiffies(), until = kms->quiet_until[request];

	return until > now ? (until - now + 999) / 1000 : 0;
}

/* It has too much to do, with us or with others: it may say for how long. */
static void come_later(struct kms_exchange *exchange, long status, struct problem *problem)
{
	struct kms *kms = exchange->kms;
	curl_off_t seconds = 0;

	/* seconds or a date; what is neither is 0 */
	curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > KMS_RETRY_AFTER_MOST)
		seconds = KMS_RETRY_AFTER_MOST;
	if (seconds > 0)
		kms->quiet_until[exchange->request] = tmr_jiffies() + seconds * 1000;
	problem_set(problem, -EHOSTUNREACH, status == 429 ?
		    "the KMS %s is asked too often: HTTP %ld" :
		    "the KMS %s is not well: HTTP %ld", kms->config->kms_url, status);
	problem->retry_after = seconds > 0 ? seconds : 0;
}

/* What came back, as one of the three ways an exchange can end. */
static void judge(struct kms_exchange *exchange, CURLcode result, struct bytes *answer,
		  struct problem *problem)
{
	const char *url = exchange->kms->config->kms_url;
	struct mbuf *mb = exchange->answer;
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	if (exchange->too_large)
		problem_set(problem, -EPROTO, "the KMS %s sent more than %d bytes", url,
			    KMS_ANSWER_MAX);
	else if (result != CURLE_OK)
		problem_set(problem, -EHOSTUNREACH, "the KMS %s cannot be reached: %s", url,
			    exchange->error[0] ? exchange->error : curl_easy_strerror(result));
	else if (status / 100 == 5 || status == 429)
		come_later(exchange, status, problem);
	else if (status != 200)
		problem_set(problem, -EPROTO, "the KMS %s refused the exchange: HTTP %ld", url,
			    status);
	else if (base64_read(answer, (char *)mb->buf, mb->end) || !answer->len)
		problem_set(problem, -EPROTO, "the KMS %s sent something else than base64",
			    url);
}

static void finish(struct kms_exchange *exchange, const struct bytes *answer,
		   const struct problem *problem)
{
	kms_answer_h *handler = exchange->handler;
	void *arg = exchange->arg;

	mem_deref(exchange);
	handler(answer, problem, arg);
}

static enum counter_kms outcome(const struct kms_exchange *exchange,
				const struct problem *problem)
{
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	return !problem->error ? KMS_ANSWERED : status == 429 ? KMS_LIMITED :
		problem->error == -EHOSTUNREACH ? KMS_AWAY : KMS_REFUSED;
}

static void tell(const struct kms_exchange *exchange, enum counter_kms how,
		 const struct problem *problem)
{
	static const char * const outcomes[] = {
		[KMS_ANSWERED] = "answered",
		[KMS_REFUSED] = "refused",
		[KMS_LIMITED] = "limited",
		[KMS_AWAY] = "away",
		[KMS_NOT_ASKED] = "not-asked",
	};

	log_fields(problem ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "kms", (const struct log_field[]){
		log_text("txn", exchange->txn),
		log_text("kind", exchange->request == KMS_TICKET_REQUEST ? "request" :
			 "resolve"),
		log_text("outcome", outcomes[how]),
		log_number("ms", tmr_jiffies() - exchange->since),
		problem ? log_text("reason", problem->words) : log_none(),
		{ 0 }
	});
	counter_more(COUNTER_KMS_REQUESTS, exchange->request, how);
}

static void done_with(struct kms_exchange *exchange, CURLcode result)
{
	struct problem problem = { 0 };
	struct bytes answer = { 0 };

	judge(exchange, result, &answer, &problem);
	tell(exchange, outcome(exchange, &problem), problem.error ? &problem : NULL);
	counter_add(COUNTER_KMS_SECONDS, exchange->request, 0,
		    (tmr_jiffies() - exchange->since) * 1000);
	finish(exchange, problem.error ? NULL : &answer, &problem);
	bytes_wipe(&answer);
}

/* The KMS asked to be left alone, and is. */
static void not_asked(void *arg)
{
	struct kms_exchange *exchange = arg;
	unsigned int left = quiet_for(exchange->kms, exchange->request) ?: 1;
	struct problem problem;

	problem_set(&problem, -EHOSTUNREACH, "the KMS %s wants to be asked in %u s again",
		    exchange->kms->config->kms_url, left);
	problem.retry_after = left;
	tell(exchange, KMS_NOT_ASKED, &problem);
	finish(exchange, NULL, &problem);
}

static void collect(struct kms *kms)
{
	struct CURLMsg *done;
	int left;

	/* a handler may end the last message of a user who is gone */
	mem_ref(kms);
	while ((done = curl_multi_info_read(kms->multi, &left))) {
		struct kms_exchange *exchange;
		CURLcode result = done->data.result;

		if (done->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, &exchange);
		done_with(exchange, result);
	}
	mem_deref(kms);
}

/* libre tells about the descriptor it was given, but not which one it was. */
struct watch {
	struct kms *kms;
	curl_socket_t fd;
};

static void ready(int flags, void *arg)
{
	struct watch *watch = arg;
	struct kms *kms = watch->kms;
	int events = 0, running;

	if (flags & FD_READ)
		events |= CURL_CSELECT_IN;
	if (flags & FD_WRITE)
		events |= CURL_CSELECT_OUT;
	if (flags & FD_EXCEPT)
		events |= CURL_CSELECT_ERR;
	curl_multi_socket_action(kms->multi, watch->fd, events, &running);
	collect(kms);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct kms *kms = arg;
	struct watch *watch = socket_arg;
	int flags = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		fd_close(fd);
		mem_deref(watch);
		curl_multi_assign(kms->multi, fd, NULL);
		return 0;
	}
	if (!watch) {
		watch = mem_zalloc(sizeof(*watch), NULL);
		if (!watch)
			return -1;
		watch->kms = kms;
		watch->fd = fd;
		curl_multi_assign(kms->multi, fd, watch);
	}
	if (what & CURL_POLL_IN)
		flags |= FD_READ;
	if (what & CURL_POLL_OUT)
		flags |= FD_WRITE;
	return fd_listen(fd, flags, ready, watch) ? -1 : 0;
}

static void timed_out(void *arg)
{
	struct kms *kms = arg;
	int running;

	curl_multi_socket_action(kms->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(kms);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct kms *kms = arg;

	(void)multi;
	if (ms < 0)
		tmr_cancel(&kms->timer);
	else
		tmr_start(&kms->timer, ms, timed_out, kms);
	return 0;
}

static size_t take(char *data, size_t size, size_t count, void *arg)
{
	struct kms_exchange *exchange = arg;

	if (exchange->answer->end + size * count > KMS_ANSWER_MAX) {
		exchange->too_large = true;
		return 0;
	}
	if (mbuf_write_mem(exchange->answer, (uint8_t *)data, size * count))
		return 0;
	return size * count;
}

static void kms_destroy(void *data)
{
	struct kms *kms = data;

	list_flush(&kms->exchanges);
	tmr_cancel(&kms->timer);
	curl_multi_cleanup(kms->multi);
	curl_slist_free_all(kms->headers);
	curl_global_cleanup();
}

int kms_open(struct kms **out, const struct config_user *config, struct problem *problem)
{
	struct kms *kms = mem_zalloc(sizeof(*kms), kms_destroy);

	*out = kms;
	if (!kms)
		return problem_set(problem, -ENOMEM, "no memory");
	kms->config = config;
	tmr_init(&kms->timer);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		kms->multi = curl_multi_init();
	/* no "Expect: 100-continue": the messages are small */
	kms->headers = curl_slist_append(NULL, "Content-Type: application/mikey");
	if (kms->headers)
		curl_slist_append(kms->headers, "Expect:");
	if (!kms->multi || !kms->headers) {
		mem_deref(kms);
		*out = NULL;
		return problem_set(problem, -ENOMEM, "libcurl cannot be started");
	}
	curl_multi_setopt(kms->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(kms->multi, CURLMOPT_SOCKETDATA, kms);
	curl_multi_setopt(kms->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(kms->multi, CURLMOPT_TIMERDATA, kms);
	curl_multi_setopt(kms->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)KMS_CONNECTIONS_MAX);
	return 0;
}

void kms_use(struct kms *kms, const struct config_user *config)
{
	if (strcmp(kms->config->kms_url, config->kms_url))
		memset(kms->quiet_until, 0, sizeof(kms->quiet_until));
	kms->config = config;
}

void kms_close(struct kms *kms)
{
	if (!kms)
		return;
	list_flush(&kms->exchanges);
	mem_deref(kms);
}

static int set_options(struct kms_exchange *exchange, const char *url)
{
	const struct config_user *config = exchange->kms->config;
	CURL *easy = exchange->easy;
	int err = 0;

	err |= curl_easy_setopt(easy, CURLOPT_URL, url);
	err |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	err |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	err |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	err |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)config->kms_timeout);
	err |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->kms->headers);
	err |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
	err |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	err |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	err |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
	err |= curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	if (config->kms_ca)
		err |= curl_easy_setopt(easy, CURLOPT_CAINFO, config->kms_ca);
	return err;
}

/* Ask; false: no memory. */
static bool ask(struct kms_exchange *exchange, const struct bytes *message)
{
	struct kms *kms = exchange->kms;
	const char *base = kms->config->kms_url;
	size_t len = strlen(base);
	char *url = NULL;
	bool begun;

	exchange->answer = mbuf_alloc(4096);
	exchange->body = mem_alloc(base64_size(message->len, 0) + 1, NULL);
	exchange->easy = curl_easy_init();
	while (len && base[len - 1] == '/')
		len--;
	if (!exchange->answer || !exchange->body || !exchange->easy ||
	    re_sdprintf(&url, "%b/keymanagement?requesttype=%s", base, len,
			request_types[exchange->request]))
		return false;
	base64_write(exchange->body, message->data, message->len, 0);
	begun = !set_options(exchange, url) &&
		curl_multi_add_handle(kms->multi, exchange->easy) == CURLM_OK;
	mem_deref(url);
	return begun;
}

int kms_post(struct kms *kms, enum kms_request request, const struct bytes *message,
	     const char *txn, kms_answer_h *handler, void *arg, struct problem *problem)
{
	struct kms_exchange *exchange = mem_zalloc(sizeof(*exchange), exchange_destroy);

	if (!exchange)
		return problem_set(problem, -ENOMEM, "no memory");
	exchange->kms = kms;
	exchange->request = request;
	snprintf(exchange->txn, sizeof(exchange->txn), "%s", txn);
	exchange->handler = handler;
	exchange->arg = arg;
	exchange->since = tmr_jiffies();
	tmr_init(&exchange->quiet);
	if (quiet_for(kms, request)) {
		tmr_start(&exchange->quiet, 0, not_asked, exchange);
	} else if (!ask(exchange, message)) {
		mem_deref(exchange);
		return problem_set(problem, -ENOMEM, "the exchange with the KMS cannot be begun");
	}
	list_append(&kms->exchanges, &exchange->le, exchange);
	counter_more(COUNTER_KMS_WAITING, request, 0);
	return 0;
}
