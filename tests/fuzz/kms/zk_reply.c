// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What another KMS answers over Zk. The exchange that waits for it is that of a
 * vector, so that its answer is a good one to begin with; the first byte
 * chooses the profile that was asked for.
 */
#include <stdlib.h>

#include "helper/kms/zk.h"
#include "vectors.h"

#define NTP_EPOCH 2208988800LL

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct vector_exchange *world;

static void wait_for_reply(struct kms_pending *p, u8 what)
{
	static struct kms_policy policy;
	static struct kms_answer answer;
	static struct kms kms;
	struct mikey_diag diag;
	struct mikey_msg m;

	if (!world) {
		world = vector_exchange_immediate_256_mode1_zk;
		kms_policy_defaults(&policy);
	}
	if (mikey_msg_parse(&m, world->messages.zk_resolve_init.p,
			    world->messages.zk_resolve_init.len,
			    MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag))
		abort();
	memset(&answer, 0, sizeof(answer));
	memset(p, 0, sizeof(*p));
	p->ex.kms = &kms;
	p->ex.answer = &answer;
	p->ex.policy = &policy;
	p->ex.suite = mikey_suite_by_name(world->suite);
	p->ex.now = (s64)world->times.resolve_resp.value - NTP_EPOCH;
	p->profile = mikey_profile_by_id(what & 1 ? MIKEY_PROFILE_ID_ANNEX_I :
					 MIKEY_PROFILE_ID_IMMEDIATE);
	p->csb_id = m.hdr.csb_id;
	p->idr_kms = m.idr_kms.data;
	p->asked.len = m.idr_r.data.len;
	memcpy(p->asked.data, m.idr_r.data.p, m.idr_r.data.len);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct kms_pending p;
	struct kms_resolved out;
	size_t len = size - 1;
	u8 *reply;
	int ret;

	if (!size)
		return 0;
	wait_for_reply(&p, data[0]);
	/* of exactly its length, so that a read behind it is seen */
	reply = malloc(len ? len : 1);
	if (!reply)
		abort();
	memcpy(reply, data + 1, len);
	ret = kms_zk_read(&p, reply, len, &out);
	if (ret && ret != KMS_REFUSED && ret != -EAGAIN)
		abort();
	if (ret && !p.ex.answer->why)
		abort();
	if (!ret && p.profile->forked && out.randr_len < p.ex.suite->rand_len)
		abort();
	free(reply);
	return 0;
}
