/* SPDX-License-Identifier: MIT */
/*
 * Raw mode of the terminal.
 *
 * Only input is changed: output processing stays, so that our own messages
 * keep their shape. The old settings are kept in one static object, since they
 * have to be found by handlers of fatal signals (tcsetattr() and raise() may be
 * called there).
 */
#include "kvm/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

static const int fatal_signals[] = {SIGABRT, SIGBUS,  SIGFPE,
				    SIGILL,  SIGSEGV, SIGQUIT};

static struct {
	struct termios before;
	int fd;
	volatile sig_atomic_t is_raw;
	bool has_handlers;
} terminal = {.fd = -1};

void terminal_restore(void)
{
	if (!terminal.is_raw)
		return;
	terminal.is_raw = 0;
	(void)tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	(void)close(terminal.fd);
	terminal.fd = -1;
}

static void fatal_handler(int signal_number)
{
	terminal_restore();
	(void)raise(signal_number); /* SA_RESETHAND: now it is fatal */
}

static void install_handlers(void)
{
	struct sigaction fatal = {
		.sa_handler = fatal_handler,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction present;

	if (terminal.has_handlers)
		return;
	terminal.has_handlers = true;
	(void)sigemptyset(&fatal.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
		if (sigaction(fatal_signals[i], NULL, &present) == 0 &&
		    present.sa_handler == SIG_DFL)
			(void)sigaction(fatal_signals[i], &fatal, NULL);
	}
}

int terminal_raw(int fd)
{
	struct termios raw;

	terminal_restore();
	if (tcgetattr(fd, &terminal.before) < 0)
		return -errno;
	terminal.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (terminal.fd < 0)
		return -errno;
	install_handlers();
	raw = terminal.before;
	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | INPCK |
				   ISTRIP | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	terminal.is_raw = 1;
	if (tcsetattr(fd, TCSANOW, &raw) < 0) {
		int err = -errno;

		terminal_restore();
		return err;
	}
	return 0;
}
