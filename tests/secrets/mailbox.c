// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mailbox NAME TYPE DESCRIPTION [hold]: a key whose bytes come from outside
 * the machine, and leave no trail on the way.
 *
 * Whatever came through a file, a pipe or a port would lie about in buffers of
 * the kernel. Here the hypervisor writes the key right into a page of this
 * process, which it finds by the words at its start, and the page is wiped once
 * the key is in the kernel: what is found later, others have left.
 *
 * Prints the key's serial number. With "hold" the page keeps the key and the
 * process waits to be killed: what a leak would look like.
 */
#include <errno.h>
#include <keyutils.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096
#define SECONDS 120

/* what mikeyctl leaves of a PSK's permissions, which the modules may insist on */
#define GUARDED (KEY_POS_VIEW | KEY_POS_WRITE | KEY_POS_LINK | \
		 KEY_USR_VIEW | KEY_USR_WRITE | KEY_USR_LINK)

/* tests/secrets/machine.py has the same places */
struct mailbox {
	char words[256];
	uint32_t len;		/* written last */
	uint8_t pad[1020];
	uint8_t key[64];
};

int main(int argc, char **argv)
{
	struct mailbox *box;
	volatile uint32_t *len;
	int32_t serial;
	int tenths;

	if (argc < 4) {
		fprintf(stderr, "usage: mailbox NAME TYPE DESCRIPTION [hold]\n");
		return 2;
	}
	box = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
		   -1, 0);
	if (box == MAP_FAILED) {
		perror("mailbox: memory");
		return 1;
	}
	snprintf(box->words, sizeof(box->words), "mikey-mime: key of %s, please", argv[1]);
	len = &box->len;
	for (tenths = 0; !*len && tenths < 10 * SECONDS; tenths++)
		usleep(100000);
	__sync_synchronize();
	if (!*len || *len > sizeof(box->key)) {
		fprintf(stderr, "mailbox: no key came\n");
		return 1;
	}
	serial = add_key(argv[2], argv[3], box->key, *len, KEY_SPEC_USER_KEYRING);
	if (serial < 0)
		fprintf(stderr, "mailbox: add_key: %s\n", strerror(errno));
	else if (!strcmp(argv[2], "logon"))
		keyctl_setperm(serial, GUARDED);
	if (argc < 5)
		explicit_bzero(box, SIZE);
	printf("%d\n", serial);
	fflush(stdout);
	if (argc > 4 && serial >= 0)
		pause();
	return serial < 0;
}
