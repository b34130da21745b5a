// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys as session objects of SoftHSM 2, through PKCS#11. SOFTHSM2_CONF names a
 * configuration whose token directory is empty.
 *
 * PKCS#11 knows no PRF of MIKEY's, so what is derived comes out as a MAC and
 * goes in as a key again.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include <p11-kit/pkcs11.h>

#include "bench.h"
#include "job.h"

#define LIBRARY "/usr/lib/softhsm/libsofthsm2.so"
#define PIN ((CK_UTF8CHAR_PTR)"1234")
#define PIN_LEN 4

static CK_FUNCTION_LIST_PTR p11;

struct softhsm {
	CK_SESSION_HANDLE session;
	u8 room[1024 * 1024 + JOB_ICV_LEN];
};

static void must(CK_RV rv, const char *what)
{
	if (rv != CKR_OK)
		bench_die("SoftHSM: %s: %#lx", what, rv);
}

static void load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);
	CK_C_GetFunctionList list;

	if (!library)
		bench_die("SoftHSM: %s", dlerror());
	list = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
	must(list ? list(&p11) : CKR_GENERAL_ERROR, "C_GetFunctionList");
}

/* The first slot's token, made anew each time */
static void *softhsm_open(void)
{
	CK_UTF8CHAR label[32] = "bench                           ";
	struct softhsm *h = malloc(sizeof(*h));
	CK_SLOT_ID slot;
	CK_ULONG num = 1;

	if (!h)
		bench_die("no memory");
	if (!p11)
		load();
	must(p11->C_Initialize(NULL), "C_Initialize");
	must(p11->C_GetSlotList(CK_FALSE, &slot, &num), "C_GetSlotList");
	must(p11->C_InitToken(slot, PIN, PIN_LEN, label), "C_InitToken");
	must(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				&h->session), "C_OpenSession");
	must(p11->C_Login(h->session, CKU_SO, PIN, PIN_LEN), "C_Login");
	must(p11->C_InitPIN(h->session, PIN, PIN_LEN), "C_InitPIN");
	must(p11->C_Logout(h->session), "C_Logout");
	must(p11->C_Login(h->session, CKU_USER, PIN, PIN_LEN), "C_Login");
	return h;
}

static void softhsm_close(void *ctx)
{
	must(p11->C_Finalize(NULL), "C_Finalize");
	free(ctx);
}

static CK_OBJECT_HANDLE create(struct softhsm *h, CK_KEY_TYPE type, const u8 *key, u32 len)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE of[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ type == CKK_AES ? CKA_WRAP : CKA_SIGN, &yes, sizeof(yes) },
		{ type == CKK_AES ? CKA_UNWRAP : CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_VALUE, (void *)key, len },
	};
	CK_OBJECT_HANDLE object;

	must(p11->C_CreateObject(h->session, of, ARRAY_SIZE(of), &object), "C_CreateObject");
	return object;
}

static void *softhsm_key(void *ctx, const u8 *key)
{
	CK_OBJECT_HANDLE *object = malloc(sizeof(*object));

	if (!object)
		bench_die("no memory");
	*object = create(ctx, CKK_GENERIC_SECRET, key, JOB_KEY_LEN);
	return object;
}

static void softhsm_key_free(void *ctx, void *key)
{
	struct softhsm *h = ctx;

	must(p11->C_DestroyObject(h->session, *(CK_OBJECT_HANDLE *)key), "C_DestroyObject");
	free(key);
}

static void softhsm_hmac(void *ctx, void *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	CK_MECHANISM hmac = { CKM_SHA256_HMAC, NULL, 0 };
	struct softhsm *h = ctx;
	CK_ULONG len = 32;
	u32 i;

	must(p11->C_SignInit(h->session, &hmac, *(CK_OBJECT_HANDLE *)key), "C_SignInit");
	if (num == 1) {
		must(p11->C_Sign(h->session, (u8 *)seg[0].p, seg[0].len, mac, &len), "C_Sign");
		return;
	}
	for (i = 0; i < num; i++)
		must(p11->C_SignUpdate(h->session, (u8 *)seg[i].p, seg[i].len), "C_SignUpdate");
	must(p11->C_SignFinal(h->session, mac, &len), "C_SignFinal");
}

static void softhsm_once(void *ctx, const u8 *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	struct softhsm *h = ctx;
	CK_OBJECT_HANDLE object = create(h, CKK_GENERIC_SECRET, key, JOB_KEY_LEN);

	softhsm_hmac(h, &object, seg, num, mac);
	must(p11->C_DestroyObject(h->session, object), "C_DestroyObject");
}

static CK_GCM_PARAMS gcm_params(const struct job_content *c)
{
	return (CK_GCM_PARAMS){
		.iv_ptr = (u8 *)c->nonce,
		.iv_len = JOB_NONCE_LEN,
		.iv_bits = 8 * JOB_NONCE_LEN,
		.tag_bits = 8 * JOB_ICV_LEN,
	};
}

static void softhsm_seal(void *ctx, const struct job_content *c)
{
	CK_MECHANISM generate = { CKM_AES_KEY_GEN, NULL, 0 }, wrap = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_GCM_PARAMS params = gcm_params(c);
	CK_MECHANISM gcm = { CKM_AES_GCM, &params, sizeof(params) };
	CK_ULONG len = JOB_KEY_LEN, wrapped_len = JOB_WRAPPED_LEN, out;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE of[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_OBJECT_HANDLE kek, key;
	struct softhsm *h = ctx;

	kek = create(h, CKK_AES, c->kek, JOB_KEY_LEN);
	must(p11->C_GenerateKey(h->session, &generate, of, ARRAY_SIZE(of), &key), "C_GenerateKey");
	must(p11->C_WrapKey(h->session, &wrap, kek, key, c->wrapped, &wrapped_len), "C_WrapKey");
	must(p11->C_EncryptInit(h->session, &gcm, key), "C_EncryptInit");
	out = sizeof(h->room);
	must(p11->C_Encrypt(h->session, c->data, c->len, h->room, &out), "C_Encrypt");
	memcpy(c->data, h->room, c->len);
	memcpy(c->icv, h->room + c->len, JOB_ICV_LEN);
	must(p11->C_DestroyObject(h->session, key), "C_DestroyObject");
	must(p11->C_DestroyObject(h->session, kek), "C_DestroyObject");
}

/* The tag stands behind the data in the object, but not right behind it. */
static bool softhsm_unseal(void *ctx, const struct job_content *c)
{
	CK_MECHANISM wrap = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_GCM_PARAMS params = gcm_params(c);
	CK_MECHANISM gcm = { CKM_AES_GCM, &params, sizeof(params) };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE of[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_DECRYPT, &yes, sizeof(yes) },
	};
	CK_OBJECT_HANDLE kek, key;
	struct softhsm *h = ctx;
	CK_ULONG out;
	bool ok;

	kek = create(h, CKK_AES, c->kek, JOB_KEY_LEN);
	must(p11->C_UnwrapKey(h->session, &wrap, kek, c->wrapped, JOB_WRAPPED_LEN, of,
			      ARRAY_SIZE(of), &key), "C_UnwrapKey");
	memcpy(h->room, c->data, c->len);
	memcpy(h->room + c->len, c->icv, JOB_ICV_LEN);
	must(p11->C_DecryptInit(h->session, &gcm, key), "C_DecryptInit");
	out = c->len + JOB_ICV_LEN;
	ok = p11->C_Decrypt(h->session, h->room, c->len + JOB_ICV_LEN, c->data, &out) == CKR_OK;
	must(p11->C_DestroyObject(h->session, key), "C_DestroyObject");
	must(p11->C_DestroyObject(h->session, kek), "C_DestroyObject");
	return ok;
}

const struct job_keyed keyed_softhsm = {
	.name = "softhsm",
	.open = softhsm_open,
	.close = softhsm_close,
	.key = softhsm_key,
	.key_free = softhsm_key_free,
	.hmac = softhsm_hmac,
	.once = softhsm_once,
	.seal = softhsm_seal,
	.unseal = softhsm_unseal,
};
