// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a BSF answers: whatever is taken in is about the B-TID that was asked
 * for, not over, and names only users whom it may name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/bsf.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(const struct kms_gba_entry *e, struct mikey_blob btid)
{
	static const char domain[] = "@example.test";
	size_t len = strlen(domain);
	u32 i;

	if (e->btid_len != btid.len || memcmp(e->btid, btid.p, btid.len) ||
	    e->expires <= NOW || !e->num_uids || e->num_uids > KMS_USER_UIDS_MAX)
		abort();
	for (i = 0; i < e->num_uids; i++)
		if (e->uids[i].len <= len ||
		    memcmp(e->uids[i].data + e->uids[i].len - len, domain, len))
			abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static char domain[16], *uid_domains[1];
	static const struct kms_bsf_config config = {
		.uid_domains = uid_domains, .num_uid_domains = 1,
	};
	static const char name[] = "abcdefghijklmnop@bsf.example.test";
	struct mikey_blob btid = { (const u8 *)name, sizeof(name) - 1 };
	struct kms_gba_entry entry;
	const char *why = NULL;
	/* of exactly its length, so that a read behind it is seen */
	char *text = malloc(size ? size : 1);

	if (!text)
		abort();
	snprintf(domain, sizeof(domain), "example.test");
	uid_domains[0] = domain;
	memcpy(text, data, size);
	if (!kms_bsf_read(&config, btid, text, size, NOW, &entry, &why))
		check(&entry, btid);
	else if (!why || !*why)
		abort();
	free(text);
	return 0;
}
