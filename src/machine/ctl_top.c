/* SPDX-License-Identifier: MIT */
/*
 * "evnic ctl SOCKET top": rates of each queue pair, from the difference of two
 * answers to query-stats and the time between them.
 *
 * On a terminal each screen is painted over the last one. No mode of the
 * terminal is changed and no cursor hidden, and each screen ends below its last
 * line: whenever a signal ends it, there is nothing to put right. Elsewhere, on
 * a dumb terminal and with --batch screens follow each other.
 */
#include "machine/ctl_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MAX 1000000

/* Lines above the table. */
#define HEAD_LINES 2

/* To the upper left; clear the rest of the line, of the screen. */
#define HOME	    "\033[H"
#define LINE_END    "\033[K\n"
#define CLEAR_BELOW "\033[J"

static const char *const rx_drops[] = {"rx_dropped", "rx_errors", NULL};
static const char *const tx_drops[] = {"tx_errors",	 "tx_dropped",
				       "tx_no_header",	 "tx_runt",
				       "tx_oversize",	 "tx_misordered",
				       "tx_bad_address", "tx_bad_header",
				       "tx_lost",	 NULL};

/* @stats: what query-stats returned. */
struct sample {
	cJSON *stats;
	double time; /* in seconds */
};

static bool take_sample(struct ctl *ctl, struct sample *sample)
{
	struct timespec now = {0};

	sample->stats = ctl_call(&ctl->client, "query-stats", NULL, -1);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	sample->time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return sample->stats != NULL;
}

static const cJSON *queues_of(const cJSON *stats, const char *id)
{
	const cJSON *nic;

	cJSON_ArrayForEach (nic, stats) {
		const char *name = ctl_string(nic, "id");

		if (name && strcmp(name, id) == 0)
			return cJSON_GetObjectItemCaseSensitive(nic, "queues");
	}
	return NULL;
}

/* A queue pair now and before; @old is NULL if it is new. */
struct pair {
	const cJSON *old, *now;
	double seconds;
};

static double rate(const struct pair *pair, const char *name)
{
	double grown =
		ctl_number(pair->now, name) - ctl_number(pair->old, name);

	/* A NIC of the same name may have taken its place. */
	return pair->old && grown > 0 ? grown / pair->seconds : 0;
}

static double rates(const struct pair *pair, const char *const *names)
{
	double sum = 0;

	for (; *names; names++)
		sum += rate(pair, *names);
	return sum;
}

static void add_row(struct ctl_table *table, const char *id, int queue,
		    const struct pair *pair)
{
	ctl_table_add(table, "%s", id);
	ctl_table_add(table, "%d", queue);
	ctl_table_add(table, "%.0f", rate(pair, "rx_packets"));
	ctl_table_add(table, "%.1f", rate(pair, "rx_bytes") * 8 / 1e6);
	ctl_table_add(table, "%.0f", rate(pair, "tx_packets"));
	ctl_table_add(table, "%.1f", rate(pair, "tx_bytes") * 8 / 1e6);
	ctl_table_add(table, "%.0f",
		      rates(pair, rx_drops) + rates(pair, tx_drops));
	ctl_table_add(table, "%.0f", rate(pair, "kicks"));
	ctl_table_add(table, "%.0f", rate(pair, "interrupts"));
	ctl_table_add(table, "%.1f", rate(pair, "loop_busy_ns") * 100 / 1e9);
}

static void fill(struct ctl_table *table, const struct sample *old,
		 const struct sample *now)
{
	static const char *const headings[] = {
		"NIC",	  "Q",	    "RX pkt/s", "Mbit/s", "TX pkt/s",
		"Mbit/s", "DROP/s", "KICK/s",	"IRQ/s",  "BUSY%"};
	const cJSON *nic, *queue;

	ctl_table_init(table, ARRAY_SIZE(headings));
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		ctl_table_add(table, "%s", headings[i]);
	cJSON_ArrayForEach (nic, now->stats) {
		const char *id = ctl_string(nic, "id");
		int i = 0;

		if (!id)
			continue;
		cJSON_ArrayForEach (queue, queues_of(now->stats, id)) {
			struct pair pair = {
				.old = cJSON_GetArrayItem(
					queues_of(old->stats, id), i),
				.now = queue,
				.seconds = now->time - old->time,
			};

			add_row(table, id, i++, &pair);
		}
	}
}

/* Rows of the table that the terminal has room for. */
static size_t terminal_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
	    size.ws_row <= HEAD_LINES + 2)
		return 0;
	return size.ws_row - HEAD_LINES - 1U;
}

static bool paints(const struct ctl *ctl)
{
	const char *term = getenv("TERM");

	return !ctl_option(ctl, "--batch") && isatty(STDOUT_FILENO) && term &&
	       *term && strcmp(term, "dumb") != 0;
}

/* False: standard output does not take it. */
static bool print_screen(const struct ctl *ctl, bool paint,
			 const struct sample *old, const struct sample *now)
{
	const char *end = paint ? LINE_END : "\n";
	time_t wall = time(NULL);
	struct ctl_table table;
	struct tm tm;
	char clock[32] = "";

	if (localtime_r(&wall, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fill(&table, old, now);
	(void)printf("%s%s  %s  (Ctrl-C ends)%s%s", paint ? HOME : "", clock,
		     ctl->socket, end, end);
	ctl_table_print(&table, paint ? terminal_rows() : 0, end);
	(void)fputs(paint ? CLEAR_BELOW : "\n", stdout);
	return fflush(stdout) == 0;
}

/* Until a second after the sample @before. */
static void wait_a_second(const struct sample *before)
{
	double next = before->time + 1;
	const struct timespec deadline = {
		.tv_sec = (time_t)next,
		.tv_nsec = (long)((next - (double)(time_t)next) * 1e9),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline,
			       NULL) == EINTR)
		continue;
}

/* @screens: how many; 0: for ever. */
static int show(struct ctl *ctl, unsigned long screens)
{
	struct sample old, now;
	bool paint = paints(ctl);
	int status = CTL_DONE;

	if (!take_sample(ctl, &old))
		return CTL_FAILED;
	if (paint)
		(void)fputs(HOME CLEAR_BELOW, stdout);
	for (unsigned long i = 0; screens == 0 || i < screens; i++) {
		wait_a_second(&old);
		if (!take_sample(ctl, &now)) {
			status = CTL_FAILED;
			break;
		}
		if (!print_screen(ctl, paint, &old, &now))
			status = CTL_FAILED;
		cJSON_Delete(old.stats);
		old = now;
		if (status != CTL_DONE)
			break;
	}
	cJSON_Delete(old.stats);
	return status;
}

int ctl_run_top(struct ctl *ctl)
{
	const char *batch = ctl_option(ctl, "--batch");
	unsigned long screens = 0;
	char *end = NULL;

	if (batch) {
		screens = strtoul(batch, &end, 10);
		if (*end || screens == 0 || screens > BATCH_MAX)
			return ctl_wrong(ctl, "no number of screens:", batch);
	}
	return show(ctl, screens);
}
