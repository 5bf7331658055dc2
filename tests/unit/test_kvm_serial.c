/* SPDX-License-Identifier: MIT */
/*
 * The serial port's registers, and a console on pipes: full, closed, at its
 * end, or absent.
 */
#include "base/irq.h"
#include "kvm/serial.h"
#include "support/kvm_files.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COM1	     LAYOUT_PORT_COM1
#define MAX_ACCESSES 8

static struct loop loop;
static struct bus ports;
static struct console console;
static struct kvm_stdio stdio;
static struct serial serial;
static int out_read, in_write;
static unsigned int n_done, n_quits;

static size_t input_room(void *arg)
{
	UNUSED(arg);
	return serial_input_room(&serial);
}

static void input(void *arg, const unsigned char *bytes, size_t n)
{
	UNUSED(arg);
	serial_input(&serial, bytes, n);
}

static void output_room(void *arg)
{
	UNUSED(arg);
	serial_output_room(&serial);
}

static void quit(void *arg)
{
	UNUSED(arg);
	n_quits++;
}

static const struct console_client client = {
	.input_room = input_room,
	.input = input,
	.output_room = output_room,
	.quit = quit,
};

/* Standard input and output become pipes of ours; the fork of the test keeps
 * that to itself. */
static void setup(void)
{
	struct kvm_vm_config config = {0};
	int in[2], out[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	close(in[0]);
	close(out[1]);
	in_write = in[1];
	out_read = out[0];
	ck_assert_int_eq(loop_init(&loop), 0);
	kvm_files_open_stdio(&config, &stdio);
	ck_assert_int_eq(console_init(&console, &loop, &config, &client, NULL),
			 0);
	ck_assert_int_eq(serial_init(&serial, &ports, &console, MAX_ACCESSES),
			 0);
	console_start(&console);
	n_done = n_quits = 0;
}

static void teardown(void)
{
	console_fini(&console);
	console_fini(&console);
	kvm_files_restore_stdio(&stdio);
	serial_fini(&serial);
	loop_fini(&loop);
}

static void done(struct bus_access *access)
{
	UNUSED(access);
	n_done++;
}

static uint8_t get(unsigned int reg)
{
	struct bus_access access = {
		.offset = COM1 + reg, .size = 1, .done = done};
	unsigned int before = n_done;

	bus_dispatch(&ports, &access);
	ck_assert_uint_eq(n_done, before + 1);
	return (uint8_t)access.value;
}

static void set(unsigned int reg, uint8_t value)
{
	struct bus_access access = {
		.offset = COM1 + reg,
		.size = 1,
		.is_write = true,
		.value = value,
		.done = done,
	};
	unsigned int before = n_done;

	bus_dispatch(&ports, &access);
	ck_assert_uint_eq(n_done, before + 1);
}

static void settle(void)
{
	for (int i = 0; i < 4; i++)
		loop_run_once(&loop);
}

/* Runs the loop for at most @seconds, until accesses have been answered. */
static void run_until_done(unsigned int n, double seconds)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		loop_run_once(&loop);
		usleep(1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (n_done < n && (double)(now.tv_sec - begin.tv_sec) < seconds);
}

static void type(const char *text)
{
	ck_assert_int_eq(write(in_write, text, strlen(text)),
			 (ssize_t)strlen(text));
	settle();
}

START_TEST(registers_keep_what_they_keep)
{
	set(7, 0x5a);
	ck_assert_uint_eq(get(7), 0x5a);
	set(3, 0x80);
	set(0, 0x34);
	set(1, 0x12);
	ck_assert_uint_eq(get(0), 0x34);
	ck_assert_uint_eq(get(1), 0x12);
	set(3, 0x03);
	ck_assert_uint_eq(get(3), 0x03);
	set(1, 0xff);
	ck_assert_uint_eq(get(1), 0x0f);
	set(1, 0);
	ck_assert_uint_eq(get(0), 0);
	ck_assert_uint_eq(get(5), 0x60);
	set(5, 0xff);
	ck_assert_uint_eq(get(5), 0x60);
	ck_assert_uint_eq(get(6), 0xb0);
	ck_assert_uint_eq(get(2), 0x01);
	set(2, 0x01);
	ck_assert_uint_eq(get(2), 0xc1);
}
END_TEST

START_TEST(accesses_of_other_sizes_are_unclaimed)
{
	struct bus_access access = {
		.offset = COM1 + 5, .size = 2, .done = done};

	bus_dispatch(&ports, &access);
	ck_assert_uint_eq(access.value, 0xffff);
}
END_TEST

/* As the driver of Linux finds out that there is a UART. */
START_TEST(loopback)
{
	unsigned char byte;

	set(4, 0x1a);
	ck_assert_uint_eq(get(6) & 0xf0, 0x90);
	ck_assert(!serial_peek(&serial, COM1 + 5, &byte));
	set(0, 'l');
	ck_assert_uint_eq(get(5), 0x61);
	ck_assert_uint_eq(get(0), 'l');
	ck_assert_uint_eq(get(5), 0x60);
	set(4, 0);
	ck_assert(serial_peek(&serial, COM1 + 5, &byte));
	ck_assert_uint_eq(byte, 0x60);
	ck_assert(!serial_peek(&serial, COM1, &byte));
}
END_TEST

START_TEST(transmitter_interrupt)
{
	set(1, 0x02);
	ck_assert(eventfd_take(serial.irq_fd));
	ck_assert_uint_eq(get(2) & 0x0f, 0x02);
	ck_assert_uint_eq(get(2) & 0x0f, 0x01); /* reading took it */
	ck_assert(!eventfd_take(serial.irq_fd));
	set(0, 'x');
	ck_assert(eventfd_take(serial.irq_fd));
	set(0, 'y');
	ck_assert(eventfd_take(serial.irq_fd));
	ck_assert_uint_eq(get(2) & 0x0f, 0x02);
	set(1, 0);
	set(0, 'z');
	ck_assert(!eventfd_take(serial.irq_fd));
}
END_TEST

START_TEST(input_interrupts_and_is_read)
{
	unsigned char byte;

	set(1, 0x01);
	type("ab");
	ck_assert(eventfd_take(serial.irq_fd));
	ck_assert_uint_eq(get(2) & 0x0f, 0x04);
	ck_assert(serial_peek(&serial, COM1 + 5, &byte));
	ck_assert_uint_eq(byte, 0x61);
	ck_assert_uint_eq(get(0), 'a');
	ck_assert_uint_eq(get(2) & 0x0f, 0x04);
	ck_assert_uint_eq(get(0), 'b');
	ck_assert_uint_eq(get(2) & 0x0f, 0x01);
	type("c");
	ck_assert(eventfd_take(serial.irq_fd));
	set(2, 0x03); /* clears the receiver */
	ck_assert_uint_eq(get(5), 0x60);
}
END_TEST

START_TEST(input_waits_for_room)
{
	char text[SERIAL_FIFO * 3];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	ck_assert_int_eq(write(in_write, text, sizeof(text)), sizeof(text));
	settle();
	ck_assert_uint_eq(serial.rx_fill, SERIAL_FIFO);
	ck_assert(!ev_is_active(&console.readable));
	for (size_t i = 0; i < sizeof(text); i++) {
		ck_assert_uint_eq(get(0), (uint8_t)text[i]);
		settle();
	}
	ck_assert_uint_eq(get(5), 0x60);
}
END_TEST

START_TEST(end_of_input_stops_the_watcher)
{
	close(in_write);
	settle();
	ck_assert(!ev_is_active(&console.readable));
	console_input_room(&console);
	ck_assert(!ev_is_active(&console.readable));
}
END_TEST

/* A pipe has no escape character. */
START_TEST(keys_that_mean_something_on_a_terminal)
{
	type("\x01x");
	ck_assert_uint_eq(n_quits, 0);
	ck_assert_uint_eq(get(0), 1);
	ck_assert_uint_eq(get(0), 'x');
	console.is_terminal = true;
	type("a\x01");
	type("xb\x01\x01");
	console.is_terminal = false;
	ck_assert_uint_eq(n_quits, 1);
	ck_assert_uint_eq(get(0), 'a');
	ck_assert_uint_eq(get(0), 'b');
	ck_assert_uint_eq(get(0), 1);
	ck_assert_uint_eq(get(5), 0x60);
}
END_TEST

/* A terminal in whose foreground we are not: to read it fails with EIO, as it
 * does with this file. */
START_TEST(a_terminal_that_others_read)
{
	struct kvm_vm_config config = {
		.files = KVM_VM_NO_FILES,
		.console_is_terminal = true,
	};

	console_fini(&console);
	config.files.console_in = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(console_init(&console, &loop, &config, &client, NULL),
			 0);
	console_start(&console);
	ck_assert(ev_is_active(&console.readable));
	settle();
	ck_assert(!ev_is_active(&console.readable));
	ck_assert(ev_is_active(&console.pause));
	console_input_room(&console);
	ck_assert(!ev_is_active(&console.readable));
	ev_feed_event(loop.ev, &console.pause, EV_TIMER);
	ev_invoke_pending(loop.ev);
	ck_assert(ev_is_active(&console.readable));
	ck_assert_int_ge(console.in_fd, 0);
}
END_TEST

START_TEST(output_comes_out)
{
	char bytes[8];

	for (const char *p = "hello"; *p; p++)
		set(0, (uint8_t)*p);
	settle();
	ck_assert_int_eq(read(out_read, bytes, sizeof(bytes)), 5);
	ck_assert_mem_eq(bytes, "hello", 5);
}
END_TEST

/* Fills pipe and buffer: then accesses wait, in order, also a read. */
static void fill_until_held(struct bus_access held[3])
{
	while (!serial.n_held) {
		held[0] = (struct bus_access){
			.offset = COM1,
			.size = 1,
			.is_write = true,
			.value = 'f',
			.done = done,
		};
		bus_dispatch(&ports, &held[0]);
		loop_run_once(&loop);
	}
	held[1] = held[0];
	held[1].offset = COM1;
	held[1].value = 'g';
	bus_dispatch(&ports, &held[1]);
	held[2] = (struct bus_access){
		.offset = COM1 + 5, .size = 1, .done = done};
	bus_dispatch(&ports, &held[2]);
	ck_assert_uint_eq(serial.n_held, 3);
}

START_TEST(full_output_holds_the_guest_until_it_is_read)
{
	struct bus_access held[3];
	char bytes[4096], last = 0;
	unsigned int n;
	ssize_t got;

	fill_until_held(held);
	n = n_done;
	fcntl(out_read, F_SETFL, O_NONBLOCK);
	while (n_done < n + 3) {
		got = read(out_read, bytes, sizeof(bytes));
		if (got > 0)
			last = bytes[got - 1];
		loop_run_once(&loop);
	}
	ck_assert_uint_eq(held[2].value, 0x60);
	settle();
	while ((got = read(out_read, bytes, sizeof(bytes))) > 0 ||
	       console.fill) {
		if (got > 0)
			last = bytes[got - 1];
		settle();
	}
	ck_assert_int_eq(last, 'g');
	ck_assert(!ev_is_active(&console.writable));
	ck_assert(!ev_is_active(&console.patience));
}
END_TEST

START_TEST(output_that_nobody_reads_is_given_up)
{
	struct bus_access held[3];
	unsigned int n;

	fill_until_held(held);
	n = n_done;
	run_until_done(n + 3, 10.);
	ck_assert_uint_eq(n_done, n + 3);
	ck_assert(console.discarding);
	set(0, 'x'); /* goes nowhere, at once */
	ck_assert_uint_gt(console.lost, 0);
}
END_TEST

START_TEST(reset_lets_go_of_what_is_held)
{
	struct bus_access held[3];
	unsigned int n;

	fill_until_held(held);
	n = n_done;
	serial_reset(&serial);
	ck_assert_uint_eq(n_done, n + 3);
	ck_assert_uint_eq(serial.n_held, 0);
}
END_TEST

START_TEST(closed_output_is_discarded)
{
	close(out_read);
	for (int i = 0; i < 100000; i++) {
		set(0, 'x');
		if (i % 1000 == 0)
			loop_run_once(&loop);
	}
	settle();
	ck_assert_uint_eq(console.fill, 0);
}
END_TEST

/* What we have changed of a socket that we share is changed back. */
START_TEST(shared_flags_are_restored)
{
	struct kvm_vm_config config = {0};
	int pair[2];

	console_fini(&console);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	dup2(pair[0], STDOUT_FILENO);
	kvm_files_restore_stdio(&stdio);
	kvm_files_open_stdio(&config, &stdio);
	ck_assert_int_eq(console_init(&console, &loop, &config, &client, NULL),
			 0);
	ck_assert(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	console_fini(&console);
	ck_assert(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	kvm_files_restore_stdio(&stdio);
	ck_assert(!(fcntl(pair[0], F_GETFL) & O_NONBLOCK));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_serial");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, registers_keep_what_they_keep);
	tcase_add_test(tc, accesses_of_other_sizes_are_unclaimed);
	tcase_add_test(tc, loopback);
	tcase_add_test(tc, transmitter_interrupt);
	tcase_add_test(tc, input_interrupts_and_is_read);
	tcase_add_test(tc, input_waits_for_room);
	tcase_add_test(tc, end_of_input_stops_the_watcher);
	tcase_add_test(tc, keys_that_mean_something_on_a_terminal);
	tcase_add_test(tc, a_terminal_that_others_read);
	tcase_add_test(tc, output_comes_out);
	tcase_add_test(tc, full_output_holds_the_guest_until_it_is_read);
	tcase_add_test(tc, output_that_nobody_reads_is_given_up);
	tcase_add_test(tc, reset_lets_go_of_what_is_held);
	tcase_add_test(tc, closed_output_is_discarded);
	tcase_add_test(tc, shared_flags_are_restored);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
