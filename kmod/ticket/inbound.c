// SPDX-License-Identifier: GPL-2.0
/*
 * What a received TRANSFER_INIT must be. Most of it is checked before the KMS
 * is asked, since a ticket that cannot be accepted must not cost a resolve (RFC
 * 6043 4.2.2.2), and all of it when the answer is admitted. The time until the
 * message is opened may have ended its validity.
 */
#include <crypto/algapi.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "derive.h"
#include "grant.h"
#include "inbound.h"
#include "limits.h"

static int refuse_form(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EBADMSG, MIKEY_TICKET_S_BAD_MESSAGE,
			    MIKEY_TICKET_A_MESSAGE, words);
}

static int refuse_policy(struct mikey_why *why, int err, const char *words)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_BAD_POLICY,
			    MIKEY_TICKET_A_MESSAGE, words);
}

static int refuse_mac(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EKEYREJECTED, MIKEY_TICKET_S_BAD_MAC,
			    MIKEY_TICKET_A_MESSAGE, words);
}

/* One crypto session of type PSK/MIME and nothing but its SPI in it. */
static int check_sessions(const struct mikey_hdr *hdr, struct mikey_why *why)
{
	const struct mikey_cs *cs = &hdr->cs;

	if (hdr->map_type != MIKEY_MAP_GENERIC_ID || hdr->num_cs != 1)
		return refuse_policy(why, -EPROTONOSUPPORT,
				     "the message does not have exactly one crypto session");
	if (cs->prot_type != mikey_prot_type())
		return refuse_policy(why, -EPROTONOSUPPORT,
				     "the crypto session is not of the type PSK/MIME");
	if (cs->s || cs->num_policies || cs->session_data.len)
		return refuse_policy(why, -EPROTONOSUPPORT,
				     "the crypto session carries what PSK/MIME does not have");
	if (!cs->spi.len || cs->spi.len > MIKEY_SPI_LEN)
		return refuse_form(why, "the crypto session has no SPI of 1 to 8 bytes");
	return 0;
}

int mikey_inbound_times(const struct mikey_msg *m, s64 now,
			struct mikey_why *why)
{
	const struct mikey_policy *p = &m->ticket.policy;
	s64 from = mikey_ts_to_unix(&p->tr_s);
	s64 until = mikey_ts_to_unix(&p->tr_e);
	s64 t;

	if (until <= now)
		return refuse_policy(why, -EACCES,
				     "the ticket's validity period is over");
	if (from > now + mikey_clock_skew())
		return refuse_policy(why, -EACCES,
				     "the ticket is not valid yet");
	if (m->t.type != MIKEY_TS_NTP_UTC && m->t.type != MIKEY_TS_NTP_UTC_32)
		return refuse_policy(why, -EKEYREJECTED,
				     "the message's timestamp is not in UTC");
	t = mikey_ts_to_unix(&m->t);
	if (t < from || t > until)
		return refuse_policy(why, -EKEYREJECTED,
				     "the message was not made in the ticket's validity period");
	if (t > now + mikey_clock_skew())
		return refuse_policy(why, -EKEYREJECTED,
				     "the message's timestamp lies in the future");
	return 0;
}

static int check_identities(const struct mikey_msg *m, struct mikey_why *why)
{
	if (!m->idr_i.present || !m->idr_r.present ||
	    m->idr_i.type != MIKEY_ID_NAI || m->idr_r.type != MIKEY_ID_NAI ||
	    !m->idr_r.data.len || m->idr_r.data.len > MIKEY_UID_MAX)
		return refuse_form(why, "the message does not name initiator and responder");
	if (!mikey_blob_eq(m->idr_i.data, m->ticket.policy.idr_i.data))
		return refuse_policy(why, -EKEYREJECTED,
				     "the message is not from the ticket's initiator");
	return 0;
}

/*
 * 6.10: Vi is V once more. Vr's key is the KMS's and the initiator's. V leaves
 * the Initiator Data out, so where nothing is forked nobody would verify it.
 */
static int check_initiator_data(const struct mikey_msg *m,
				const struct mikey_profile *profile,
				struct mikey_why *why)
{
	struct mikey_initiator_data id;
	struct mikey_diag d;
	int err;

	if (!profile->forked)
		return m->ticket.initiator_data.len ?
		       refuse_form(why, "the ticket has initiator data without key forking") : 0;
	if (!m->ticket.initiator_data.len)
		return refuse_form(why, "the ticket has no initiator data for its key forking");
	err = mikey_initiator_data_parse(&id, m->ticket.initiator_data, &d);
	if (err)
		return mikey_refuse_diag(why, err, MIKEY_TICKET_A_MESSAGE, &d);
	if (id.vi.auth_alg != m->v.auth_alg || id.vr.auth_alg != m->v.auth_alg ||
	    id.vi.mac.len != m->v.mac.len ||
	    crypto_memneq(id.vi.mac.p, m->v.mac.p, m->v.mac.len))
		return refuse_mac(why, "the initiator data is not for this message");
	return 0;
}

int mikey_inbound_check(const struct mikey_msg *m,
			const struct mikey_profile *profile,
			const struct mikey_suite *suite, s64 now,
			struct mikey_why *why)
{
	int err;

	err = mikey_grant_check(&m->ticket.policy, profile, suite, why);
	if (err)
		return err;
	if (m->hdr.prf != suite->prf || m->v.auth_alg != suite->auth_alg)
		return refuse_policy(why, -EPROTONOSUPPORT,
				     "the message is not of the ticket's suite");
	if (m->kemac.present)
		return refuse_policy(why, -EACCES,
				     "the message brings keys of its own, which no profile has");
	if (m->randr_i.data.len < suite->rand_len)
		return refuse_form(why, "the message's random value is too short");
	err = check_sessions(&m->hdr, why);
	err = err ?: check_identities(m, why);
	err = err ?: mikey_inbound_times(m, now, why);
	return err ?: check_initiator_data(m, profile, why);
}

int mikey_inbound_verify(const struct mikey_msg *m,
			 const struct mikey_suite *suite,
			 const struct mikey_hmac *mpk_i, struct mikey_blob spi,
			 struct mikey_why *why)
{
	struct mikey_derivation d = {
		.suite = suite,
		.csb_id = m->hdr.csb_id,
		.randr_i = m->randr_i.data,
	};
	struct mikey_cover cover;
	u8 auth[MIKEY_MAC_MAX];
	int err;

	err = mikey_derive_auth(&d, mpk_i, auth);
	if (err)
		return err;
	mikey_cover_message(&cover, m, m->idr_i.data, m->idr_r.data);
	err = mikey_mac_check(suite->auth_alg, auth, suite->mac_len, &cover,
			      m->v.mac);
	memzero_explicit(auth, sizeof(auth));
	if (err == -EKEYREJECTED)
		return refuse_mac(why, "the message's MAC does not verify");
	if (!err && !mikey_blob_eq(m->hdr.cs.spi, spi))
		return refuse_policy(why, -EKEYREJECTED,
				     "the message's SPI is not that of the ticket's key");
	return err;
}
