// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identities and the wildcard of a ticket's IDRr (TS 33.328 6.2.3.4.2).
 */
#include "profile.h"

bool mikey_uid_match(struct mikey_blob pattern, struct mikey_blob uid)
{
	u32 p = 0, u = 0;
	u32 star = 0, resume = 0;	/* behind the last '?', what it left over */
	bool wild = false;

	if (!uid.len || uid.len > MIKEY_UID_MAX || pattern.len > MIKEY_UID_MAX ||
	    memchr(uid.p, '?', uid.len))
		return false;
	while (u < uid.len) {
		if (p < pattern.len && pattern.p[p] == '?') {
			wild = true;
			star = ++p;
			resume = u;
		} else if (p < pattern.len && pattern.p[p] == uid.p[u]) {
			p++;
			u++;
		} else if (wild) {
			/* The last '?' swallows one more; earlier ones need not. */
			p = star;
			u = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '?')
		p++;
	return p == pattern.len;
}

bool mikey_policy_names(const struct mikey_policy *p, struct mikey_blob uid)
{
	struct mikey_policy_iter it;
	struct mikey_id id;

	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	while (mikey_policy_next(&it, p, &id)) {
		if (id.type == MIKEY_ID_NAI && mikey_uid_match(id.data, uid))
			return true;
	}
	return false;
}
