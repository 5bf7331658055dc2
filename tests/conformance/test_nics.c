/* SPDX-License-Identifier: MIT */
/*
 * The NICs of a running machine: netdevs and NICs come, go and change places
 * under a guest that sends. Each case runs on one thread (0) and with a thread
 * for each queue pair (1).
 */
#include "nics_rig.h"
#include "support/run.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct nics_rig rig;

/* eth0 on loopback "a", another loopback "b" without a NIC. */
static void begin(int threads)
{
	nics_rig_init(&rig, threads);
	nics_rig_describe(&rig, "eth0", "a", "loopback");
	nics_rig_describe(&rig, NULL, "b", "loopback");
	nics_rig_create(&rig);
}

static struct nic *nic_called(const char *id)
{
	struct nic *nic = nics_find(rig.nics, id);

	ck_assert_ptr_nonnull(nic);
	return nic;
}

static struct nic *owner(const char *netdev)
{
	struct netdev *found = nics_find_netdev(rig.nics, netdev);

	ck_assert_ptr_nonnull(found);
	return netdev_nic(found);
}

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Is thread @tid of this process one that moves packets? A sanitizer has
 * threads of its own. */
static bool is_iothread(const char *tid)
{
	char path[64], name[32] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", tid);
	file = fopen(path, "re");
	if (!file)
		return false; /* it has ended */
	(void)!fgets(name, sizeof(name), file);
	(void)fclose(file);
	return strncmp(name, "evnic-io", strlen("evnic-io")) == 0;
}

static size_t count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.' && is_iothread(entry->d_name);
	(void)closedir(dir);
	return n;
}

/* The kernel may list a thread a moment longer than until it was joined. */
static void expect_threads(size_t n)
{
	time_t since = time(NULL);

	while (count_threads() != n) {
		ck_assert_msg(time(NULL) < since + 60, "%zu threads, not %zu",
			      count_threads(), n);
		(void)sched_yield();
	}
}

/* The guest lets go of slot @slot, and it goes. */
static void eject(size_t slot)
{
	unsigned int deleted = rig.deleted;

	rig.guests[slot].running = false;
	fake_eject(&rig.platform.slots[slot]);
	for (unsigned int i = 0; i < 1000000 && rig.deleted == deleted; i++)
		nics_rig_pump(&rig);
	ck_assert_uint_eq(rig.deleted, deleted + 1);
}

static void ask_back(const char *id)
{
	struct kind_error error;

	ck_assert_int_eq(nics_device_del(rig.nics, nic_called(id), &error), 0);
}

START_TEST(described_ones_are_there)
{
	struct nic *nic;

	begin(_i);
	nic = nic_called("eth0");
	ck_assert_ptr_eq(nics_at(rig.nics, 0), nic);
	ck_assert_ptr_null(nics_at(rig.nics, 1));
	ck_assert_ptr_null(nics_find(rig.nics, "a"));
	ck_assert_ptr_null(nics_find_netdev(rig.nics, "eth0"));
	ck_assert_str_eq(nic_id(nic), "eth0");
	ck_assert_str_eq(nic_model(nic), "virtio-net");
	ck_assert_str_eq(nic_netdev_id(nic), "a");
	ck_assert_str_eq(nic_backend_type(nic), "loopback");
	ck_assert_uint_eq(nic_queue_pairs(nic), 1);
	ck_assert_uint_eq(nic_mac(nic)[5], 5);
	ck_assert(nic_link_up(nic));
	ck_assert_ptr_nonnull(nic_stats(nic, 0));
	ck_assert_ptr_eq(owner("a"), nic);
	ck_assert_ptr_null(owner("b"));
	nics_rig_start(&rig, 0);
	nics_rig_traffic(&rig, 0, 1000);
	ck_assert_uint_ge(net_stat_get(&nic_stats(nic, 0)->tx_packets), 1000);
	nics_rig_fini(&rig);
}
END_TEST

START_TEST(pause_keeps_the_rings)
{
	begin(_i);
	nics_rig_start(&rig, 0);
	for (unsigned int i = 0; i < 10; i++) {
		uint32_t received;

		nics_rig_traffic(&rig, 0, 50);
		nics_rig_burst(&rig, 0);
		nics_rig_pause(&rig);
		nics_rig_pause(&rig);
		nics_rig_collect(&rig, 0);
		received = rig.guests[0].received;
		nics_rig_burst(&rig, 0);
		for (unsigned int j = 0; j < 20; j++)
			nics_rig_pump(&rig);
		nics_rig_collect(&rig, 0);
		ck_assert_uint_eq(rig.guests[0].received, received);
		nics_rig_resume(&rig);
		nics_rig_resume(&rig);
	}
	nics_rig_traffic(&rig, 0, 1000);
	ck_assert_uint_ge(rig.guests[0].completed, 1000);
	nics_rig_fini(&rig);
}
END_TEST

/* One that comes during a pause is paused too. */
START_TEST(pause_counts_for_newcomers)
{
	begin(_i);
	nics_rig_pause(&rig);
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "b"), 0);
	nics_rig_start(&rig, 1);
	nics_rig_burst(&rig, 1);
	for (unsigned int i = 0; i < 20; i++)
		nics_rig_pump(&rig);
	nics_rig_collect(&rig, 1);
	ck_assert_uint_eq(rig.guests[1].received, 0);
	nics_rig_resume(&rig);
	nics_rig_traffic(&rig, 1, 100);
	nics_rig_fini(&rig);
}
END_TEST

/* eth0 has @netdev. */
static void check_netdev(const char *netdev)
{
	ck_assert_str_eq(nic_netdev_id(nic_called("eth0")), netdev);
	ck_assert_ptr_eq(owner(netdev), nic_called("eth0"));
}

static void replace_by(const char *to, const char *from)
{
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_burst(&rig, 0);
	ck_assert_str_eq(nics_rig_replace(&rig, "eth0", to), "");
	check_netdev(to);
	ck_assert_ptr_null(owner(from));
}

START_TEST(replaced_under_traffic)
{
	begin(_i);
	nics_rig_start(&rig, 0);
	for (unsigned int i = 0; i < 10; i++) {
		replace_by("b", "a");
		replace_by("a", "b");
	}
	nics_rig_traffic(&rig, 0, 100);
	ck_assert(nic_link_up(nic_called("eth0")));
	nics_rig_fini(&rig);
}
END_TEST

START_TEST(wrong_changes_change_nothing)
{
	begin(_i);
	nics_rig_start(&rig, 0);
	ck_assert_int_eq(nics_rig_netdev_add(&rig, "a", "null"), -EEXIST);
	ck_assert_str_eq(nics_rig_replace(&rig, "eth0", "a"), "a: eth0 has it");
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth0", "b"), -EEXIST);
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "zz"), -ENOENT);
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "a"), -EBUSY);
	ck_assert_str_eq(nic_netdev_id(nic_called("eth0")), "a");
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_fini(&rig);
}
END_TEST

/* A netdev that may have too little for what the guest was promised: the NIC has
 * either one afterwards, and the other is free. */
START_TEST(refused_netdev_leaves_the_old_one)
{
	bool refused;

	nics_rig_init(&rig, _i);
	nics_rig_describe(&rig, "eth0", "a", "null");
	nics_rig_describe(&rig, NULL, "b", "loopback");
	nics_rig_create(&rig);
	refused = *nics_rig_replace(&rig, "eth0", "b") != '\0';
	ck_assert_str_eq(nic_netdev_id(nic_called("eth0")),
			 refused ? "a" : "b");
	ck_assert_ptr_null(owner(refused ? "b" : "a"));
	nics_rig_start(&rig, 0);
	for (unsigned int i = 0; i < 20; i++)
		nics_rig_pump(&rig);
	ck_assert(nic_link_up(nic_called("eth0")));
	nics_rig_fini(&rig);
}
END_TEST

/* The guest sees eth0's link so, and was told. */
static void check_link(bool up)
{
	for (unsigned int i = 0; i < 20; i++)
		nics_rig_pump(&rig);
	ck_assert(nic_link_up(nic_called("eth0")) == up);
	ck_assert_uint_ge(up ? rig.link_up : rig.link_down, 1);
}

START_TEST(netdev_deleted_under_traffic)
{
	begin(_i);
	nics_rig_start(&rig, 0);
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_burst(&rig, 0);
	ck_assert_str_eq(nics_rig_netdev_del(&rig, "a"), "");
	ck_assert_ptr_null(nics_find_netdev(rig.nics, "a"));
	ck_assert_ptr_null(nic_netdev_id(nic_called("eth0")));
	check_link(false);
	ck_assert_str_eq(nics_rig_replace(&rig, "eth0", "b"), "");
	nics_rig_collect(&rig, 0);
	nics_rig_traffic(&rig, 0, 100);
	check_link(true);
	nics_rig_fini(&rig);
}
END_TEST

/* One that nobody has goes at once, and its name is free again. */
START_TEST(free_netdev_goes_at_once)
{
	begin(_i);
	ck_assert_str_eq(nics_rig_netdev_del(&rig, "b"), "");
	ck_assert_int_eq(nics_rig_netdev_add(&rig, "b", "null"), 0);
	ck_assert_str_eq(nics_rig_netdev_del(&rig, "b"), "");
	ck_assert_int_eq(nics_rig_netdev_add(&rig, "b", "loopback"), 0);
	nics_rig_fini(&rig);
}
END_TEST

START_TEST(link_is_the_users_too)
{
	struct nic *nic;

	begin(_i);
	nic = nic_called("eth0");
	nics_rig_start(&rig, 0);
	nic_set_link(nic, false);
	ck_assert(!nic_link_up(nic));
	ck_assert_str_eq(nics_rig_replace(&rig, "eth0", "b"), "");
	for (unsigned int i = 0; i < 20; i++)
		nics_rig_pump(&rig);
	ck_assert(!nic_link_up(nic));
	nic_set_link(nic, true);
	ck_assert(nic_link_up(nic));
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_fini(&rig);
}
END_TEST

/* Plugged in, driven, asked back; the driver stops first or not; gone. */
static void plug_and_unplug(bool polite)
{
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "b"), 0);
	nics_rig_start(&rig, 1);
	nics_rig_traffic(&rig, 1, 100);
	nics_rig_burst(&rig, 1);
	ask_back("eth1");
	ask_back("eth1");
	nics_rig_traffic(&rig, 1, 100);
	if (polite)
		nics_rig_stop(&rig, 1);
	eject(1);
	ck_assert_str_eq(rig.last_deleted, "eth1");
	ck_assert_ptr_null(nics_find(rig.nics, "eth1"));
	ck_assert_ptr_null(owner("b"));
	ck_assert(!rig.platform.slots[1].plugged);
}

START_TEST(plugged_and_unplugged)
{
	size_t fds, threads;

	begin(_i);
	nics_rig_start(&rig, 0);
	fds = count_fds();
	threads = count_threads();
	for (unsigned int i = 0; i < 10; i++) {
		plug_and_unplug(i % 2);
		expect_threads(threads);
		ck_assert_uint_eq(count_fds(), fds);
		nics_rig_traffic(&rig, 0, 100);
	}
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "b"), 0);
	expect_threads(threads + (_i ? 1 : 0));
	nics_rig_fini(&rig);
}
END_TEST

/* Threads that there may be, and those that eth0 with one pair takes, and eth1
 * with three more. */
static const struct {
	int64_t wish;
	size_t first, second;
} deals[] = {
	{CONFIG_ABSENT, 1, 3}, {0, 0, 0}, {1, 1, 0}, {2, 1, 1}, {64, 1, 3},
};

START_TEST(threads_are_dealt_out)
{
	struct nic_config config = {
		.iface_id = "eth1",
		.backend = "n",
		.mtu = CONFIG_ABSENT,
		.queue_size = 256,
		.queue_pairs = 3,
	};
	struct kind_error error;

	nics_rig_init(&rig, true);
	rig.config.iothreads = deals[_i].wish;
	nics_rig_describe(&rig, "eth0", "a", "loopback");
	nics_rig_describe(&rig, NULL, "n", "null");
	nics_rig_create(&rig);
	expect_threads(deals[_i].first);
	ck_assert_int_eq(nics_device_add(rig.nics, &config, &error), 0);
	expect_threads(deals[_i].first + deals[_i].second);
	ask_back("eth1");
	eject(1);
	expect_threads(deals[_i].first);
	nics_rig_start(&rig, 0);
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_fini(&rig);
	expect_threads(0);
}
END_TEST

/* A reset of the machine: what the guest was to let go goes. */
START_TEST(reset_takes_what_was_asked_back)
{
	begin(_i);
	nics_rig_start(&rig, 0);
	ask_back("eth0");
	nics_rig_burst(&rig, 0);
	nics_rig_reset(&rig);
	ck_assert_uint_eq(rig.deleted, 1);
	ck_assert_ptr_null(nics_at(rig.nics, 0));
	ck_assert_ptr_null(owner("a"));
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth0", "a"), 0);
	nics_rig_start(&rig, 0);
	nics_rig_traffic(&rig, 0, 100);
	nics_rig_fini(&rig);
}
END_TEST

/* Without a place on the bus nothing is left of the NIC, and nobody is told
 * that it has gone. */
START_TEST(no_place_no_trace)
{
	size_t fds;

	begin(_i);
	fds = count_fds();
	rig.platform.fail_plug = -ENOSPC;
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "b"), -ENOSPC);
	for (unsigned int i = 0; i < 20; i++)
		nics_rig_pump(&rig);
	ck_assert_ptr_null(nics_find(rig.nics, "eth1"));
	ck_assert_ptr_null(owner("b"));
	ck_assert_uint_eq(count_fds(), fds);
	rig.platform.fail_plug = 0;
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth1", "b"), 0);
	ck_assert_uint_eq(rig.deleted, 0);
	nics_rig_fini(&rig);
}
END_TEST

static void inspected_cb(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(inspection_tells_all)
{
	struct inspect in, again;
	bool done = false, done_again = false;
	const char *text;

	begin(_i);
	ck_assert_int_eq(nics_rig_device_add(&rig, "eth\"1\"", "b"), 0);
	nics_rig_start(&rig, 0);
	nics_rig_traffic(&rig, 0, 100);
	inspect_init(&in);
	inspect_init(&again);
	ck_assert_int_eq(nics_inspect(rig.nics, &in, inspected_cb, &done), 0);
	ck_assert_int_eq(
		nics_inspect(rig.nics, &again, inspected_cb, &done_again), 0);
	/* A NIC goes while it is asked. */
	ask_back("eth0");
	eject(0);
	nics_rig_await(&rig, &done);
	nics_rig_await(&rig, &done_again);
	text = inspect_text(&in);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "\"eth0\":{"));
	ck_assert_ptr_nonnull(strstr(text, "\"nic-1\":{"));
	ck_assert_ptr_nonnull(strstr(text, "\"eth\\u00221\\u0022\""));
	ck_assert_ptr_nonnull(strstr(text, "\"tx_packets\":"));
	ck_assert_ptr_nonnull(strstr(text, "\"netdevs\":{"));
	ck_assert_ptr_nonnull(inspect_text(&again));
	inspect_fini(&in);
	inspect_fini(&again);
	nics_rig_fini(&rig);
}
END_TEST

/* Any order. */

/* What is under way. */
struct orders {
	bool pausing, changing[RIG_NICS];
	unsigned int asked, answered;
};

static struct orders orders;

static void settled_cb(void *arg)
{
	UNUSED(arg);
	orders.pausing = false;
	orders.answered++;
}

static void changed_cb(void *arg, const struct kind_error *error)
{
	UNUSED(arg);
	UNUSED(error);
	orders.answered++;
}

static const char *const names[RIG_NICS] = {"eth0", "eth1", "eth2", "eth3"};
static const char *const netdevs[] = {"a", "b", "c", "d", "e"};

static const char *any_netdev(void)
{
	return netdevs[(size_t)rand() % ARRAY_SIZE(netdevs)];
}

/* The slot of a NIC that is plugged in: they are dealt out in order. */
static void one_step(void)
{
	size_t i = (size_t)rand() % RIG_NICS;
	struct fake_slot *slot = &rig.platform.slots[i];
	struct nic *nic = nics_find(rig.nics, names[i]);
	struct netdev *netdev = nics_find_netdev(rig.nics, any_netdev());
	struct kind_error error;

	switch (rand() % 12) {
	case 0:
		(void)nics_rig_device_add(&rig, names[i], any_netdev());
		break;
	case 1:
		if (nic)
			ck_assert_int_eq(nics_device_del(rig.nics, nic, &error),
					 0);
		break;
	case 2:
		if (slot->plugged && slot->asked_back && !slot->pending) {
			rig.guests[i].running = false;
			fake_eject(slot);
		}
		break;
	case 3:
		if (nic && netdev) {
			orders.asked++;
			nics_netdev_replace(rig.nics, nic, netdev, changed_cb,
					    NULL);
		}
		break;
	case 4:
		if (netdev) {
			orders.asked++;
			nics_netdev_del(rig.nics, netdev, changed_cb, NULL);
		}
		break;
	case 5:
		(void)nics_rig_netdev_add(&rig, any_netdev(), "loopback");
		break;
	case 6:
	case 7:
		if (orders.pausing)
			break;
		orders.pausing = true;
		orders.asked++;
		if (rand() % 2)
			nics_pause(rig.nics, settled_cb, NULL);
		else
			nics_resume(rig.nics, settled_cb, NULL);
		break;
	case 8:
		if (nic)
			nic_set_link(nic, rand() % 2);
		break;
	default:
		nics_rig_pump(&rig);
		break;
	}
}

/* Whatever is asked for in whatever order is answered once, and in the end all
 * that was there can be given back. */
START_TEST(any_order)
{
	begin(_i % 2);
	srand((unsigned int)_i + 1);
	memset(&orders, 0, sizeof(orders));
	for (unsigned int life = 0; life < 8; life++) {
		if (rig.platform.slots[0].plugged && !orders.pausing) {
			nics_rig_resume(&rig);
			nics_rig_start(&rig, 0);
			nics_rig_burst(&rig, 0);
		}
		for (unsigned int i = 0; i < 100; i++)
			one_step();
		nics_rig_reset(&rig);
		while (orders.pausing)
			nics_rig_pump(&rig);
		ck_assert_uint_eq(orders.asked, orders.answered);
		guest_ram_clear(&rig.ram);
	}
	nics_rig_fini(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nics");
	TCase *tc = tcase_create("nics");

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, described_ones_are_there, 0, 2);
	tcase_add_loop_test(tc, pause_keeps_the_rings, 0, 2);
	tcase_add_loop_test(tc, pause_counts_for_newcomers, 0, 2);
	tcase_add_loop_test(tc, replaced_under_traffic, 0, 2);
	tcase_add_loop_test(tc, wrong_changes_change_nothing, 0, 2);
	tcase_add_loop_test(tc, refused_netdev_leaves_the_old_one, 0, 2);
	tcase_add_loop_test(tc, netdev_deleted_under_traffic, 0, 2);
	tcase_add_loop_test(tc, free_netdev_goes_at_once, 0, 2);
	tcase_add_loop_test(tc, link_is_the_users_too, 0, 2);
	tcase_add_loop_test(tc, plugged_and_unplugged, 0, 2);
	tcase_add_loop_test(tc, threads_are_dealt_out, 0, ARRAY_SIZE(deals));
	tcase_add_loop_test(tc, reset_takes_what_was_asked_back, 0, 2);
	tcase_add_loop_test(tc, no_place_no_trace, 0, 2);
	tcase_add_loop_test(tc, inspection_tells_all, 0, 2);
	tcase_add_loop_test(tc, any_order, 0, 20);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
