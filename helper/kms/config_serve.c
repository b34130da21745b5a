// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a configuration needs beyond its form before it can serve.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "helper/kms/fault.h"
#include "helper/kms/config.h"

static bool listens(const struct kms_config *config, bool tls, bool peers)
{
	size_t i;

	for (i = 0; i < config->num_listen; i++)
		if (config->listen[i].tls == tls && config->listen[i].peers == peers)
			return true;
	return false;
}

static void check_bsf(const struct kms_bsf_config *bsf, struct kms_faults *faults)
{
	if (!bsf->url)
		return;
	if (strncasecmp(bsf->url, "https://", 8) || !bsf->ca || !bsf->num_domains ||
	    !bsf->num_uid_domains || !bsf->naf)
		kms_fault(faults, NULL,
			  "\"bsf-url\" is https://..., and needs \"bsf-ca\", \"bsf-domains\", \"bsf-uid-domains\" and \"naf\"");
	if (!bsf->certificate != !bsf->private_key)
		kms_fault(faults, NULL,
			  "\"bsf-certificate\" and \"bsf-private-key\" go together");
}

void kms_config_check_serve(const struct kms_config *config,
			    struct kms_faults *faults)
{
	bool peers = listens(config, true, true);

	if (!config->policy.num_identities)
		kms_fault(faults, NULL,
			  "\"identity\" is missing: the URLs that clients put into IDRkms, identity = [\"https://kms.example.test\"];");
	if (!config->num_listen)
		kms_fault(faults, NULL,
			  "nothing to listen at: listen = [\"127.0.0.1:8080\"]; or listen-tls");
	if (listens(config, true, false) &&
	    (!config->certificate || !config->private_key))
		kms_fault(faults, NULL,
			  "listen-tls needs \"certificate\" and \"private-key\"");
	if (peers && !config->peers_file)
		kms_fault(faults, NULL,
			  "listen-peers needs \"peers\", the file that names them");
	check_bsf(&config->bsf, faults);
	if ((peers || config->peers.num) &&
	    !(config->peer_certificate ? config->peer_private_key :
	      config->certificate ? config->private_key : NULL))
		kms_fault(faults, NULL,
			  "\"peers\" need \"peer-certificate\" and \"peer-private-key\"");
}

int kms_config_can_serve(const struct kms_config *config,
			 struct problem *problem)
{
	struct kms_faults *faults = calloc(1, sizeof(*faults));
	int ret = 0;

	if (!faults)
		return problem_set(problem, -ENOMEM, "no memory");
	kms_config_check_serve(config, faults);
	ret = kms_faults_problem(faults, problem);
	free(faults);
	return ret;
}
