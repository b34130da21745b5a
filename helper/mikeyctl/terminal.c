// SPDX-License-Identifier: GPL-2.0-or-later
/* Typing without echo. */
#include "helper/mikeyctl/terminal.h"

#include <string.h>
#include <unistd.h>

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP };
static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

static void say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;	/* a question that nobody sees: the answer is read all the same */
}

static void restore_signals(struct terminal *terminal)
{
	for (unsigned int i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &terminal->actions[i], NULL);
}

int terminal_hide(struct terminal *terminal, int fd, const char *question)
{
	const struct sigaction action = { .sa_handler = note };	/* no SA_RESTART */
	struct termios quiet;

	terminal->fd = fd;
	if (tcgetattr(fd, &terminal->before))
		return -1;
	came = 0;
	for (unsigned int i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &action, &terminal->actions[i]);
	quiet = terminal->before;
	quiet.c_lflag &= ~(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= ECHONL;
	if (tcsetattr(fd, TCSAFLUSH, &quiet)) {
		restore_signals(terminal);
		return -1;
	}
	say(question);
	return 0;
}

void terminal_show(struct terminal *terminal)
{
	tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	restore_signals(terminal);
	if (came)
		raise(came);
}
