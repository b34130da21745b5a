// SPDX-License-Identifier: GPL-2.0
/*
 * The table of forms.
 */
#include "form.h"

static const struct mime_form *const forms[] = {
	&mime_auth_enveloped,
	&mime_authenticated,
	&mime_authenticated_enveloped,
};

const struct mime_form *mime_form_find(u32 form)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i]->form == form)
			return forms[i];
	return NULL;
}

u32 mime_form_mask(void)
{
	unsigned int i;
	u32 mask = 0;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		mask |= 1 << forms[i]->form;
	return mask;
}
