// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a MIKEY message. A refusal must give a reason inside the
 * message. What is accepted must lie inside it, be walked as often as it was
 * counted, be judged by every profile without harm, and mean the same after it
 * was written again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kmod/wire/label.h"
#include "kmod/wire/profile.h"
#include "tests/unit/wire/rebuild.h"

#define EXT_TYPE MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define check(truth) \
	do { \
		if (!(truth)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#truth); \
			abort(); \
		} \
	} while (0)

static void check_blob(struct mikey_blob whole, struct mikey_blob part)
{
	check(!part.len || (part.p >= whole.p && part.len <= whole.len &&
			    part.p + part.len <= whole.p + whole.len));
}

/* What is some profile's ticket is of one mode, and obeys 6.10 but by luck. */
static void check_kind(const struct mikey_policy *p)
{
	const struct mikey_profile *profile = mikey_profile_of(p->flags);
	struct mikey_diag d = { 0 };
	u32 mode = mikey_mode_of(p->flags);
	u16 least;

	check(!profile || mode);
	if (profile) {
		least = mikey_profile_flags(profile, mode);
		check((p->flags & least) == least);
		check(!(p->flags & profile->flags_clear));
	}
	check(!mikey_flags_check(p->flags, &d) == !d.why);
	check(p->tr_r.present || !mikey_policy_rekey(p));
}

static void check_policy(struct mikey_blob whole, const struct mikey_policy *p)
{
	static const u8 uid[] = "bob.p@example.test";
	static const enum mikey_id_role roles[] = { MIKEY_IDR_APP,
						    MIKEY_IDR_R };
	struct mikey_policy_iter it;
	struct mikey_id id;

	check_blob(whole, p->tp_data);
	check(p->num_responders);
	for (u32 i = 0; i < ARRAY_SIZE(roles); i++) {
		u32 n = 0;

		mikey_policy_walk(&it, p, roles[i]);
		for (; mikey_policy_next(&it, p, &id); n++)
			check_blob(p->tp_data, id.data);
		check(n == (i ? p->num_responders : p->num_app));
	}
	for (u32 profile = 1; mikey_profile_by_id(profile); profile++) {
		for (u32 suite = 1; mikey_suite_by_id(suite); suite++) {
			for (int requested = 0; requested < 2; requested++) {
				struct mikey_diag d = { 0 };

				check(!mikey_policy_check(p,
							  mikey_profile_by_id(profile),
							  mikey_suite_by_id(suite),
							  requested, &d) ==
				      !d.why);
			}
		}
	}
	check_kind(p);
	mikey_policy_names(p, (struct mikey_blob){ uid, sizeof(uid) - 1 });
}

static void check_cover(const struct mikey_msg *m)
{
	struct mikey_cover c;
	u32 sum = 0, left_out = 0;

	if (!m->v.present)
		return;
	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT)
		left_out = 2 + m->ticket.initiator_data.len;
	mikey_cover_message(&c, m, m->idr_i.data, m->idr_kms.data);
	check(c.num <= MIKEY_COVER_MAX);
	for (u32 i = 0; i < c.num; i++) {
		check_blob(m->raw, c.seg[i]);
		sum += c.seg[i].len;
	}
	check(sum == m->raw.len - m->v.mac.len - left_out + m->idr_i.data.len +
		     m->idr_kms.data.len);
}

static void check_same_id(const struct mikey_id *a, const struct mikey_id *b)
{
	check(a->present == b->present && a->type == b->type &&
	      mikey_blob_eq(a->data, b->data));
}

static void check_same_policy(const struct mikey_policy *a,
			      const struct mikey_policy *b)
{
	check(a->ticket_type == b->ticket_type && a->subtype == b->subtype &&
	      a->version == b->version && a->prf == b->prf &&
	      a->flags == b->flags && a->num_app == b->num_app &&
	      a->num_responders == b->num_responders &&
	      a->tr_s.value == b->tr_s.value &&
	      a->tr_e.value == b->tr_e.value &&
	      a->tr_r.value == b->tr_r.value &&
	      mikey_blob_eq(a->kemac.encr_data, b->kemac.encr_data));
	check_same_id(&a->idr_kms, &b->idr_kms);
	check_same_id(&a->idr_i, &b->idr_i);
}

static void check_rebuilt(const struct mikey_msg *m, bool copied)
{
	static u8 buf[MIKEY_MSG_MAX], again[MIKEY_MSG_MAX];
	struct mikey_builder b;
	struct mikey_diag d;
	struct mikey_msg r;
	int len;

	mikey_build_begin(&b, buf, sizeof(buf));
	if (!can_rebuild(m) || !rebuild(&b, m, copied))
		return;
	/* What is ignored is left out, so it cannot have become longer. */
	len = mikey_build_end(&b);
	check(len > 0 && (u32)len <= m->raw.len);
	check(!mikey_msg_parse(&r, buf, len, EXT_TYPE, &d));
	check(r.hdr.data_type == m->hdr.data_type && r.hdr.v == m->hdr.v &&
	      r.hdr.csb_id == m->hdr.csb_id && r.t.value == m->t.value);
	check(mikey_blob_eq(r.randr_i.data, m->randr_i.data));
	check(mikey_blob_eq(r.randr_r.data, m->randr_r.data));
	check(mikey_blob_eq(r.randr_kms.data, m->randr_kms.data));
	check_same_id(&r.idr_i, &m->idr_i);
	check_same_id(&r.idr_r, &m->idr_r);
	check_same_id(&r.idr_kms, &m->idr_kms);
	check_same_id(&r.idr_psk, &m->idr_psk);
	check(r.tp.present == m->tp.present &&
	      r.ticket.present == m->ticket.present);
	check_same_policy(&r.tp.policy, &m->tp.policy);
	check_same_policy(&r.ticket.policy, &m->ticket.policy);
	check(mikey_blob_eq(r.kemac.encr_data, m->kemac.encr_data));
	check(mikey_blob_eq(r.ext.data, m->ext.data));
	check(mikey_blob_eq(r.v.mac, m->v.mac));

	/* A second time nothing changes any more. */
	mikey_build_begin(&b, again, sizeof(again));
	check(rebuild(&b, &r, copied) && mikey_build_end(&b) == len);
	check(!memcmp(buf, again, len));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct mikey_diag d = { 0 };
	struct mikey_msg m;
	int err;

	err = mikey_msg_parse(&m, data, size, EXT_TYPE, &d);
	check(!err == !d.why);
	check(d.offset <= size);
	if (err) {
		check(err == -EBADMSG || err == -EPROTONOSUPPORT ||
		      err == -EMSGSIZE);
		return 0;
	}
	check_blob(m.raw, m.hdr.cs.policies);
	check_blob(m.raw, m.hdr.cs.session_data);
	check_blob(m.raw, m.hdr.cs.spi);
	check_blob(m.raw, m.idr_i.data);
	check_blob(m.raw, m.kemac.encr_data);
	check_blob(m.raw, m.ext.data);
	check_blob(m.raw, m.v.mac);
	check(!m.v.present || m.v.mac_offset + m.v.mac.len == size);
	if (m.tp.present)
		check_policy(m.raw, &m.tp.policy);
	if (m.ticket.present) {
		check_policy(m.raw, &m.ticket.policy);
		check_blob(m.raw, m.ticket.from_type);
		check_blob(m.ticket.from_type, m.ticket.ticket_data);
		check_blob(m.raw, m.ticket.initiator_data);
	}
	check_cover(&m);
	check_rebuilt(&m, false);
	check_rebuilt(&m, true);
	return 0;
}
