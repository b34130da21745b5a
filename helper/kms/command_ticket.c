// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ticket inspect: what a ticket says and, for whoever holds the store key,
 * what is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/ticket.h"
#include "helper/lib/base64.h"

static const u8 kinds[] = {
	MIKEY_DT_TRANSFER_INIT, MIKEY_DT_REQUEST_RESP, MIKEY_DT_RESOLVE_INIT_PSK,
};

/* A message, binary or base64: binary ones start with version and type. */
static int read_message(const char *path, struct bytes *msg,
			struct problem *problem)
{
	size_t size = base64_size(MIKEY_MSG_MAX, BASE64_MIME_LINE) + 2, at = 0;
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
				     STDIN_FILENO;
	struct bytes text;
	ssize_t n;
	int ret;

	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", path,
				   strerror(errno));
	ret = bytes_alloc(&text, size);
	if (ret)
		return problem_set(problem, ret, "no memory");
	while (at < size && (n = read(fd, text.data + at, size - at)) > 0)
		at += n;
	if (fd != STDIN_FILENO)
		close(fd);
	if (at > 1 && text.data[0] == MIKEY_VERSION) {
		text.len = at;
		*msg = text;
		return 0;
	}
	ret = base64_read(msg, (const char *)text.data, at);
	bytes_wipe(&text);
	return ret ? problem_set(problem, ret,
				 "%s: neither a MIKEY message nor base64", path) : 0;
}

static int parse(struct mikey_msg *m, const struct bytes *msg,
		 struct mikey_ticket_data *td, struct problem *problem)
{
	struct mikey_diag diag = { .why = "not a message with a ticket" };

	if (msg->len < 2 || !memchr(kinds, msg->data[1], sizeof(kinds)) ||
	    mikey_msg_parse(m, msg->data, msg->len,
			    MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag) ||
	    (m->ticket.present && mikey_ticket_data_parse(td, &m->ticket, &diag)))
		return problem_set(problem, -EBADMSG, "malformed: %s", diag.why);
	if (!m->ticket.present)
		return problem_set(problem, -EBADMSG, "there is no ticket in it");
	return 0;
}

static const struct mikey_suite *suite_of(const struct mikey_policy *policy,
					  const struct mikey_ticket_data *td)
{
	const struct mikey_suite *suite;
	u32 id;

	for (id = 0; id < 32; id++) {
		suite = mikey_suite_by_id(id);
		if (suite && suite->prf == policy->prf &&
		    suite->encr_alg == td->kemac.encr_alg &&
		    suite->auth_alg == td->v.auth_alg &&
		    td->rand.data.len >= suite->rand_len)
			return suite;
	}
	return NULL;
}

/* An array of strings, each on a line of its own where it is not JSON. */
static void print_responders(const struct mikey_policy *policy, bool json)
{
	struct mikey_policy_iter it;
	const char *between = "";
	struct mikey_id id;

	mikey_policy_walk(&it, policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, policy, &id)) {
		fputs(json ? between : "for        ", stdout);
		kms_json_string(stdout, id.data);
		fputs(json ? "" : "\n", stdout);
		between = ", ";
	}
}

static void print_policy(const struct mikey_msg *m,
			 const struct mikey_ticket_data *td, bool json)
{
	const struct mikey_policy *policy = &m->ticket.policy;
	s64 start = mikey_ts_to_unix(&policy->tr_s);
	s64 end = mikey_ts_to_unix(&policy->tr_e);

	fputs(json ? "{\"initiator\": " : "from       ", stdout);
	kms_json_string(stdout, policy->idr_i.data);
	fputs(json ? ", \"responders\": [" : "\n", stdout);
	print_responders(policy, json);
	fputs(json ? "], \"kms\": " : "kms        ", stdout);
	kms_json_string(stdout, policy->idr_kms.data);
	fputs(json ? ", \"tpk\": " : "\ntpk        ", stdout);
	kms_json_string(stdout, td->idr_psk.data);
	if (json) {
		printf(", \"flags\": \"%03x\", \"valid_from\": %lld, \"valid_until\": %lld",
		       policy->flags, (long long)start, (long long)end);
	} else {
		printf("\nflags      %03x\nvalid from ", policy->flags);
		kms_print_time(stdout, start);
		fputs("\nuntil      ", stdout);
		kms_print_time(stdout, end);
		putchar('\n');
	}
}

static void print_key(const char *name, const u8 *key, size_t len, bool json)
{
	size_t i;

	printf(json ? ", \"%s\": \"" : "%-11s", name);
	for (i = 0; i < len; i++)
		printf("%02x", key[i]);
	fputs(json ? "\"" : "\n", stdout);
}

/*
 * What the ticket is protected with: a TPK of ours, or, where its initiator
 * made it, that user's PSK.
 */
static int find_tpk(struct kms_database *d, const struct mikey_policy *policy,
		    struct mikey_blob name, struct kms_tpk *tpk)
{
	const struct kms_store_ops *ops = d->store.ops;
	struct kms_psk psk = { 0 };
	int ret;

	if (mikey_mode_of(policy->flags) != MIKEY_MODE_INITIATOR)
		return ops->tpk(&d->store, name, tpk);
	ret = ops->psk(&d->store, name, &psk);
	if (!ret) {
		tpk->key_len = psk.key_len;
		memcpy(tpk->key, psk.key, psk.key_len);
	}
	kms_psk_wipe(&psk);
	return ret;
}

static int reveal(struct kms_database *d, const struct mikey_msg *m,
		  const struct mikey_ticket_data *td, bool json,
		  struct problem *problem)
{
	const struct mikey_policy *policy = &m->ticket.policy;
	const struct mikey_profile *profile = mikey_profile_of(policy->flags);
	const struct mikey_suite *suite = suite_of(policy, td);
	struct kms_crypto *c = kms_crypto_new();
	struct kms_ticket_keys keys = { 0 };
	struct kms_mpks mpks = { 0 };
	struct kms_tpk tpk = { 0 };
	int ret = 0;

	if (!c)
		ret = problem_set(problem, -EIO, "no cryptography");
	else if (!profile || !suite)
		ret = problem_set(problem, -EPROTONOSUPPORT,
				  "a ticket of no known profile and suite");
	else if (find_tpk(d, policy, td->idr_psk.data, &tpk))
		ret = problem_set(problem, -ENOENT,
				  "its TPK is not in this store");
	else if (kms_ticket_open(c, &m->ticket, td, suite, profile, &tpk, &keys) ||
		 kms_ticket_mpks(c, suite, &keys, td->rand.data, &mpks))
		ret = problem_set(problem, -EKEYREJECTED,
				  "its MAC does not verify");
	if (!ret && profile) {
		print_key("mpki", mpks.mpk_i, suite->key_len, json);
		if (profile->forked)
			print_key("mpkr", mpks.mpk_r, suite->key_len, json);
		print_key("traffic", keys.traffic, suite->key_len, json);
		print_key("spi", keys.spi, sizeof(keys.spi), json);
	}
	OPENSSL_cleanse(&keys, sizeof(keys));
	OPENSSL_cleanse(&mpks, sizeof(mpks));
	kms_tpk_wipe(&tpk);
	kms_crypto_free(c);
	return ret;
}

enum kms_exit kms_run_ticket_inspect(const struct kms_command *self, int argc,
				     char **argv)
{
	static const struct option options[] = {
		{ "reveal-keys", no_argument, NULL, 'r' },
		{ 0 }
	};
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct mikey_ticket_data td;
	bool with_keys = false;
	struct bytes msg = { 0 };
	enum kms_exit status;
	struct mikey_msg m;
	int opt, ret;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0)
		with_keys = true;
	if (opt == -2)
		return status;
	if (optind + 1 != argc)
		return kms_misused(self, "give one file");
	ret = with_keys ? kms_open_store(&o, &common, &problem) : 0;
	if (!ret)
		ret = read_message(argv[optind], &msg, &problem);
	if (!ret)
		ret = parse(&m, &msg, &td, &problem);
	if (!ret) {
		print_policy(&m, &td, common.json);
		if (with_keys)
			ret = reveal(o.database, &m, &td, common.json, &problem);
		fputs(common.json ? "}\n" : "", stdout);
	}
	status = ret ? kms_failed(&problem) : KMS_EXIT_DONE;
	bytes_wipe(&msg);
	kms_close(&o);
	return status;
}
