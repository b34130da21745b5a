// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where to listen, of mikey-kms.conf(5); see setting.h.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "helper/kms/setting.h"

#define UNIX "unix:"

/* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:443"; port 0 is any free one. */
static int parse_listen(const char *text, struct sockaddr_storage *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	char host[64];
	char *end;
	size_t len;

	/* getaddrinfo() takes ports modulo 65536 */
	if (!colon || strtoul(colon + 1, &end, 10) > UINT16_MAX || *end)
		return -EINVAL;
	len = colon - text;
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;
	}
	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int add_listeners(struct kms_config *config,
			 const config_setting_t *given, bool tls, bool peers,
			 struct problem *problem)
{
	int num = setting_list_length(given), i;
	struct kms_listen *more;

	if (!num)
		return setting_want_list(problem);
	more = reallocarray(config->listen, config->num_listen + num,
			    sizeof(*more));
	if (!more)
		return setting_no_memory(problem);
	config->listen = more;
	for (i = 0; i < num; i++) {
		more = &config->listen[config->num_listen];
		if (parse_listen(setting_list_text(given, i), &more->address))
			return problem_set(problem, -EINVAL,
					   "\"%s\": write ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080",
					   setting_list_text(given, i));
		more->tls = tls;
		more->peers = peers;
		more->text = strdup(setting_list_text(given, i));
		if (!more->text)
			return setting_no_memory(problem);
		config->num_listen++;
	}
	return 0;
}

int setting_take_listen(struct kms_config *config, const config_setting_t *given,
			const struct setting *setting, struct problem *problem)
{
	(void)setting;
	return add_listeners(config, given, false, false, problem);
}

int setting_take_listen_tls(struct kms_config *config,
			    const config_setting_t *given,
			    const struct setting *setting,
			    struct problem *problem)
{
	(void)setting;
	return add_listeners(config, given, true, false, problem);
}

int setting_take_listen_peers(struct kms_config *config,
			      const config_setting_t *given,
			      const struct setting *setting,
			      struct problem *problem)
{
	(void)setting;
	return add_listeners(config, given, true, true, problem);
}

/* Of this machine only: what is told there is nobody else's business. */
static bool is_local(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET)
		return ntohl(in4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->ss_family == AF_UNIX || IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static int parse_unix(const char *path, struct sockaddr_storage *address)
{
	struct sockaddr_un *un = (struct sockaddr_un *)address;

	if (*path != '/' || strlen(path) >= sizeof(un->sun_path))
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	return 0;
}

int setting_take_listen_admin(struct kms_config *config,
			      const config_setting_t *given,
			      const struct setting *setting,
			      struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	struct kms_listen *admin = &config->admin;

	(void)setting;
	if (!text || (strncmp(text, UNIX, strlen(UNIX)) ?
		      parse_listen(text, &admin->address) :
		      parse_unix(text + strlen(UNIX), &admin->address)) ||
	    !is_local(&admin->address))
		return problem_set(problem, -EINVAL,
				   "write a loopback address, such as \"127.0.0.1:9480\", or \"unix:/PATH\"");
	free(admin->text);
	admin->text = strdup(text);
	return admin->text ? 0 : setting_no_memory(problem);
}
