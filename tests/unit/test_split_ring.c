/* SPDX-License-Identifier: MIT */
/*
 * The split ring against an honest driver and against every lie that the
 * format allows.
 */
#include "support/mem_watch.h"
#include "support/ring_driver.h"
#include "support/run.h"
#include "virtio/ring_defs.h"
#include "virtio/split_ring.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BASE 0x10000
#define RAM_SIZE (4U << 20)
#define SIZE	 8
#define DATA	 (RAM_BASE + RAM_SIZE / 2)
#define BOTH	 (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static struct guest_ram ram;
static struct ring_driver drv;
static struct split_ring ring;
static struct desc_chain chain;
static struct desc_seg segs[VIRTIO_QUEUE_SIZE_MAX];

static void begin_size(uint16_t size, uint64_t features)
{
	struct virtio_queue_setup setup;

	ring_driver_init(&drv, &ram, size, features);
	setup = ring_driver_setup(&drv);
	ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &setup, features), 0);
}

static void begin(uint64_t features)
{
	begin_size(SIZE, features);
}

static void setup(void)
{
	guest_ram_init(&ram, RAM_BASE, RAM_SIZE);
	memset(&drv, 0, sizeof(drv));
	drv.kick_fd = -1;
	drv.call_fd = -1;
}

static void teardown(void)
{
	ring_driver_fini(&drv);
	guest_ram_fini(&ram);
}

static bool fetch(void)
{
	return split_ring_fetch(&ring, &chain, segs);
}

/* A chain of one readable descriptor. */
static uint16_t add_one(void)
{
	const struct ring_piece piece = {DATA, 100, false};

	return ring_driver_add(&drv, &piece, 1, false);
}

static void expect_broken(const char *why)
{
	ck_assert(!fetch());
	ck_assert_ptr_nonnull(ring.broken);
	ck_assert_str_eq(ring.broken, why);
	/* It stays so, whatever the guest does now. */
	ring_driver_set_idx(&drv, 0);
	ck_assert(!fetch());
	ck_assert(!split_ring_arm(&ring));
	ck_assert_str_eq(ring.broken, why);
}

/* Descriptor 0 as the head of a chain that was never added. */
static void offer_raw(void)
{
	ring_driver_offer(&drv, 0);
	(void)ring_driver_show(&drv);
}

static void write_desc(uint16_t i, uint32_t len, uint16_t flags, uint16_t next)
{
	ring_driver_write_desc(&drv, drv.desc, i, DATA, len, flags, next);
}

START_TEST(chain_is_copied_in_order)
{
	const struct ring_piece pieces[] = {
		{DATA, 12, false},	{DATA + 100, 0, false},
		{DATA + 200, 5, false}, {DATA + 300, 7, true},
		{DATA + 400, 1, true},
	};
	uint16_t head;

	begin(BOTH);
	head = ring_driver_add(&drv, pieces, 5, _i != 0);
	ck_assert(!fetch());
	ring_driver_show(&drv);
	ck_assert(fetch());
	ck_assert_uint_eq(chain.head, head);
	ck_assert_uint_eq(chain.n_read, 2);
	ck_assert_uint_eq(chain.n_write, 2);
	ck_assert_uint_eq(chain.read_len, 17);
	ck_assert_uint_eq(chain.write_len, 8);
	ck_assert(!chain.misordered);
	ck_assert_uint_eq(segs[1].gpa, DATA + 200);
	ck_assert_uint_eq(segs[1].len, 5);
	ck_assert_uint_eq(segs[3].gpa, DATA + 400);
	ck_assert(!fetch());
	ck_assert_ptr_null(ring.broken);
}
END_TEST

START_TEST(lengths_of_a_chain_do_not_wrap)
{
	const struct ring_piece pieces[] = {
		{DATA, UINT32_MAX, false},
		{DATA, UINT32_MAX, false},
		{DATA, UINT32_MAX, true},
	};

	begin(BOTH);
	ring_driver_add(&drv, pieces, 3, false);
	ring_driver_show(&drv);
	ck_assert(fetch());
	ck_assert_uint_eq(chain.read_len, 2 * (uint64_t)UINT32_MAX);
	ck_assert_uint_eq(chain.write_len, UINT32_MAX);
}
END_TEST

START_TEST(reading_after_writing_is_told)
{
	const struct ring_piece pieces[] = {{DATA, 1, true}, {DATA, 1, false}};

	begin(BOTH);
	ring_driver_add(&drv, pieces, 2, false);
	ring_driver_show(&drv);
	ck_assert(fetch());
	ck_assert(chain.misordered);
}
END_TEST

/* Three times round the index space, in bursts of every size. */
START_TEST(indices_wrap)
{
	uint64_t in = 0, out = 0;

	begin(_i ? BOTH : 0);
	while (in < 3 * 65536) {
		uint16_t burst = (uint16_t)(1 + in % SIZE), head;
		uint32_t len;

		for (uint16_t i = 0; i < burst; i++, in++)
			ck_assert_uint_ne(add_one(), RING_DRIVER_NONE);
		ring_driver_show(&drv);
		while (fetch())
			split_ring_put(&ring, chain.head, (uint32_t)out++);
		ck_assert(!ring_driver_collect(&drv, &head, &len));
		split_ring_publish(&ring);
		for (uint16_t i = burst; i; i--) {
			ck_assert(ring_driver_collect(&drv, &head, &len));
			ck_assert_uint_eq(len, out - i);
		}
	}
	ck_assert_uint_eq(in, out);
	ck_assert_uint_eq(drv.n_free, SIZE);
}
END_TEST

START_TEST(one_publish_and_interrupt_for_a_burst)
{
	begin(_i ? BOTH : 0);
	ck_assert(!ring_driver_enable_irq(&drv));
	for (int i = 0; i < 5; i++)
		add_one();
	ring_driver_show(&drv);
	while (fetch())
		split_ring_put(&ring, chain.head, 0);
	ck_assert_uint_eq(ring_driver_device_idx(&drv), 0);
	ck_assert(split_ring_publish(&ring));
	ck_assert_uint_eq(ring_driver_device_idx(&drv), 5);
	ck_assert_uint_eq(ring.publishes, 1);
	ck_assert(!split_ring_publish(&ring));
	ck_assert_uint_eq(ring.publishes, 1);
}
END_TEST

START_TEST(no_interrupt_when_unwanted)
{
	begin(_i ? BOTH : 0);
	ring_driver_disable_irq(&drv);
	for (int i = 0; i < 5; i++)
		add_one();
	ring_driver_show(&drv);
	while (fetch())
		split_ring_put(&ring, chain.head, 0);
	ck_assert(!split_ring_publish(&ring));
	ck_assert_uint_eq(ring.interrupts, 0);
	ck_assert_uint_eq(ring.publishes, 1);
}
END_TEST

/* used_event anywhere in [old, new) and just outside, at every position. */
START_TEST(used_event_is_a_range)
{
	uint64_t event_gpa;

	begin(BOTH);
	event_gpa = drv.avail + vring_used_event(SIZE);
	for (uint32_t round = 0; round < 70000; round += 3) {
		uint16_t old = ring.used_next, head;
		int at = (int)(round % 5) - 1; /* -1..3 */
		uint32_t len;

		for (int i = 0; i < 3; i++)
			add_one();
		ring_driver_show(&drv);
		while (fetch())
			split_ring_put(&ring, chain.head, 0);
		*(uint16_t *)guest_ram_at(&ram, event_gpa) =
			(uint16_t)(old + at);
		ck_assert_int_eq(split_ring_publish(&ring), at >= 0 && at < 3);
		while (ring_driver_collect(&drv, &head, &len))
			continue;
	}
}
END_TEST

START_TEST(kicks_only_when_armed)
{
	begin(_i ? BOTH : 0);
	ck_assert(!split_ring_arm(&ring));
	add_one();
	ck_assert(ring_driver_show(&drv));
	split_ring_disarm(&ring);
	ck_assert(fetch());
	/* Draining: the driver goes on without a kick. */
	for (int i = 0; i < 3; i++) {
		add_one();
		ck_assert(!ring_driver_show(&drv));
		ck_assert(fetch());
	}
	ck_assert(!fetch());
	ck_assert(!split_ring_arm(&ring));
	add_one();
	ck_assert(ring_driver_show(&drv));
	ck_assert_uint_eq(drv.kicks, 2);
}
END_TEST

START_TEST(arming_sees_what_came_before)
{
	begin(_i ? BOTH : 0);
	split_ring_disarm(&ring);
	ck_assert(!fetch());
	add_one();
	ring_driver_show(&drv);
	ck_assert(split_ring_arm(&ring));
}
END_TEST

START_TEST(loop_is_broken)
{
	begin(BOTH);
	write_desc(0, 1, VRING_DESC_F_NEXT, 1);
	write_desc(1, 1, VRING_DESC_F_NEXT, 0);
	offer_raw();
	expect_broken("descriptor chain longer than the queue");
}
END_TEST

START_TEST(loop_of_empty_descriptors_is_broken)
{
	begin(BOTH);
	write_desc(0, 0, VRING_DESC_F_NEXT, 0);
	offer_raw();
	expect_broken("descriptor chain longer than the queue");
}
END_TEST

START_TEST(chain_as_long_as_the_queue_is_right)
{
	begin(BOTH);
	for (uint16_t i = 0; i < SIZE; i++)
		write_desc(i, 1, i < SIZE - 1 ? VRING_DESC_F_NEXT : 0,
			   (uint16_t)(i + 1));
	offer_raw();
	ck_assert(fetch());
	ck_assert_uint_eq(chain.n_read, SIZE);
}
END_TEST

START_TEST(next_outside_is_broken)
{
	begin(BOTH);
	write_desc(0, 1, VRING_DESC_F_NEXT, SIZE);
	offer_raw();
	expect_broken("next descriptor outside its table");
}
END_TEST

START_TEST(head_outside_is_broken)
{
	begin(BOTH);
	ring_driver_offer(&drv, SIZE);
	ring_driver_show(&drv);
	expect_broken("head outside the descriptor table");
}
END_TEST

START_TEST(head_twice_is_broken)
{
	begin(BOTH);
	write_desc(0, 1, 0, 0);
	ring_driver_offer(&drv, 0);
	ring_driver_offer(&drv, 0);
	ring_driver_show(&drv);
	ck_assert(fetch());
	expect_broken("head made available twice");
}
END_TEST

START_TEST(head_again_after_put_is_right)
{
	begin(BOTH);
	write_desc(0, 1, 0, 0);
	for (int i = 0; i < 3 * SIZE; i++) {
		offer_raw();
		ck_assert(fetch());
		split_ring_put(&ring, 0, 0);
		split_ring_publish(&ring);
	}
}
END_TEST

START_TEST(index_jump_is_broken)
{
	begin(BOTH);
	ring_driver_set_idx(&drv, _i ? UINT16_MAX : SIZE + 1);
	expect_broken("avail index jumps by more than the size");
}
END_TEST

/* The head of an indirect table of @len bytes at @table. */
static void offer_indirect(uint64_t table, uint32_t len, uint16_t flags)
{
	ring_driver_write_desc(&drv, drv.desc, 0, table, len,
			       (uint16_t)(VRING_DESC_F_INDIRECT | flags), 1);
	offer_raw();
}

START_TEST(indirect_lies_are_broken)
{
	static const struct {
		uint32_t len;
		uint16_t flags;
		const char *why;
	} lies[] = {
		{0, 0, "indirect table of an odd size"},
		{15, 0, "indirect table of an odd size"},
		{24, 0, "indirect table of an odd size"},
		{16 * (SIZE + 1), 0, "indirect table larger than the queue"},
		{0xfffffff0, 0, "indirect table larger than the queue"},
		{16, VRING_DESC_F_NEXT, "indirect descriptor with a next one"},
	};

	begin(BOTH);
	offer_indirect(DATA, lies[_i].len, lies[_i].flags);
	expect_broken(lies[_i].why);
}
END_TEST

START_TEST(indirect_unasked_is_broken)
{
	begin(VIRTIO_F_EVENT_IDX);
	offer_indirect(DATA, 16, 0);
	expect_broken("indirect descriptor without VIRTIO_F_INDIRECT_DESC");
}
END_TEST

START_TEST(indirect_outside_memory_is_broken)
{
	static const uint64_t tables[] = {
		0,
		RAM_BASE - 16,
		RAM_BASE + RAM_SIZE - 16,
		RAM_BASE + RAM_SIZE,
		UINT64_MAX - 15,
	};

	begin(BOTH);
	offer_indirect(tables[_i], 32, 0);
	expect_broken("indirect table outside guest memory");
}
END_TEST

START_TEST(indirect_in_indirect_is_broken)
{
	begin(BOTH);
	ring_driver_write_desc(&drv, DATA, 0, DATA, 16, VRING_DESC_F_INDIRECT,
			       0);
	offer_indirect(DATA, 16, 0);
	expect_broken("indirect table inside an indirect table");
}
END_TEST

START_TEST(indirect_next_outside_table_is_broken)
{
	begin(BOTH);
	ring_driver_write_desc(&drv, DATA, 0, DATA, 16, VRING_DESC_F_NEXT, 2);
	offer_indirect(DATA, 32, 0);
	expect_broken("next descriptor outside its table");
}
END_TEST

START_TEST(indirect_loop_is_broken)
{
	begin(BOTH);
	ring_driver_write_desc(&drv, DATA, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
	ring_driver_write_desc(&drv, DATA, 1, DATA, 1, VRING_DESC_F_NEXT, 0);
	offer_indirect(DATA, 32, 0);
	expect_broken("descriptor chain longer than the queue");
}
END_TEST

START_TEST(indirect_after_direct_is_right)
{
	begin(BOTH);
	write_desc(0, 3, VRING_DESC_F_NEXT, 1);
	ring_driver_write_desc(&drv, drv.desc, 1, DATA + 1000, 32,
			       VRING_DESC_F_INDIRECT, 0);
	ring_driver_write_desc(&drv, DATA + 1000, 0, DATA, 4, VRING_DESC_F_NEXT,
			       1);
	ring_driver_write_desc(&drv, DATA + 1000, 1, DATA, 5,
			       VRING_DESC_F_WRITE, 0);
	offer_raw();
	ck_assert(fetch());
	ck_assert_uint_eq(chain.read_len, 7);
	ck_assert_uint_eq(chain.write_len, 5);
}
END_TEST

START_TEST(bad_setup_is_refused)
{
	struct virtio_queue_setup good, bad;
	static const uint16_t sizes[] = {0, 3, 2048, 65535};

	begin(BOTH);
	good = ring_driver_setup(&drv);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		bad = good;
		bad.size = sizes[i];
		ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &bad, BOTH),
				 -EINVAL);
	}
	for (unsigned int i = 0; i < 3; i++) {
		bad = good;
		if (i == 0)
			bad.desc += 8;
		else if (i == 1)
			bad.avail += 1;
		else
			bad.used += 2;
		ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &bad, BOTH),
				 -EINVAL);
	}
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t edge = i == 2 ? UINT64_MAX - 15
				       : RAM_BASE + (i ? RAM_SIZE - 16 : -16U);

		bad = good;
		bad.desc = edge;
		ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &bad, BOTH),
				 -EFAULT);
		bad = good;
		bad.avail = edge;
		ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &bad, BOTH),
				 -EFAULT);
		bad = good;
		bad.used = edge;
		ck_assert_int_eq(split_ring_map(&ring, &ram.mem, &bad, BOTH),
				 -EFAULT);
	}
}
END_TEST

START_TEST(remapped_ring_goes_on)
{
	struct virtio_queue_setup where;

	begin(BOTH);
	add_one();
	add_one();
	ring_driver_show(&drv);
	ck_assert(fetch());
	guest_ram_move(&ram);
	where = ring_driver_setup(&drv);
	ck_assert_int_eq(split_ring_remap(&ring, &where), 0);
	ck_assert(fetch());
	ck_assert(!fetch());
	split_ring_put(&ring, chain.head, 1);
	split_ring_publish(&ring);
	ck_assert_uint_eq(ring_driver_device_idx(&drv), 1);
}
END_TEST

/* How often each byte of memory was read, where a read began. */
static unsigned char reads[RAM_SIZE];

static void count_read(void *arg, const unsigned char *at, bool write)
{
	(void)arg;
	if (!write)
		reads[at - ram.view]++;
}

static unsigned int reads_of(uint64_t gpa, size_t len)
{
	unsigned int most = 0;

	for (size_t i = 0; i < len; i++)
		most = MAX(most, reads[gpa - RAM_BASE + i]);
	return most;
}

/* No byte that the guest could change is looked at twice. */
START_TEST(everything_is_read_once)
{
	const struct ring_piece pieces[] = {
		{DATA, 12, false},
		{DATA, 5, false},
		{DATA, 7, true},
		{DATA, 1, true},
	};
	size_t table = 4 * VRING_DESC_SIZE;
	uint16_t head;

	begin(BOTH);
	head = ring_driver_add(&drv, pieces, 4, _i != 0);
	ring_driver_show(&drv);
	mem_watch_begin(ram.view, RAM_SIZE, count_read, NULL);
	ck_assert(fetch());
	mem_watch_end();
	ck_assert_uint_eq(reads_of(drv.avail, vring_avail_bytes(SIZE)), 1);
	ck_assert_uint_eq(reads_of(drv.desc, vring_desc_bytes(SIZE)), 1);
	if (_i)
		ck_assert_uint_eq(
			reads_of(drv.tables + head * vring_desc_bytes(SIZE),
				 table),
			1);
	ck_assert_uint_eq(reads_of(DATA, 100), 0);
}
END_TEST

/* A chain that turns into another one as soon as it was read: what was read
 * counts. */
static void scramble(void *arg, const unsigned char *at, bool write)
{
	(void)arg;
	if (!write)
		memset(ram.bytes + (at - ram.view), 0xff, 2);
}

START_TEST(what_was_read_counts)
{
	const struct ring_piece pieces[] = {
		{DATA, 12, false},
		{DATA + 50, 5, false},
		{DATA + 60, 7, true},
	};

	begin(BOTH);
	ring_driver_add(&drv, pieces, 3, _i != 0);
	ring_driver_show(&drv);
	mem_watch_begin(ram.view, RAM_SIZE, scramble, NULL);
	ck_assert(fetch());
	mem_watch_end();
	ck_assert_uint_eq(chain.read_len, 17);
	ck_assert_uint_eq(chain.write_len, 7);
	for (int k = 0; k < 3; k++) {
		ck_assert_uint_eq(segs[k].gpa, pieces[k].gpa);
		ck_assert_uint_eq(segs[k].len, pieces[k].len);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("split ring");
	TCase *tc = tcase_create("split ring");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, chain_is_copied_in_order, 0, 2);
	tcase_add_test(tc, lengths_of_a_chain_do_not_wrap);
	tcase_add_test(tc, reading_after_writing_is_told);
	tcase_add_loop_test(tc, indices_wrap, 0, 2);
	tcase_add_loop_test(tc, one_publish_and_interrupt_for_a_burst, 0, 2);
	tcase_add_loop_test(tc, no_interrupt_when_unwanted, 0, 2);
	tcase_add_test(tc, used_event_is_a_range);
	tcase_add_loop_test(tc, kicks_only_when_armed, 0, 2);
	tcase_add_loop_test(tc, arming_sees_what_came_before, 0, 2);
	tcase_add_test(tc, loop_is_broken);
	tcase_add_test(tc, loop_of_empty_descriptors_is_broken);
	tcase_add_test(tc, chain_as_long_as_the_queue_is_right);
	tcase_add_test(tc, next_outside_is_broken);
	tcase_add_test(tc, head_outside_is_broken);
	tcase_add_test(tc, head_twice_is_broken);
	tcase_add_test(tc, head_again_after_put_is_right);
	tcase_add_loop_test(tc, index_jump_is_broken, 0, 2);
	tcase_add_loop_test(tc, indirect_lies_are_broken, 0, 6);
	tcase_add_test(tc, indirect_unasked_is_broken);
	tcase_add_loop_test(tc, indirect_outside_memory_is_broken, 0, 5);
	tcase_add_test(tc, indirect_in_indirect_is_broken);
	tcase_add_test(tc, indirect_next_outside_table_is_broken);
	tcase_add_test(tc, indirect_loop_is_broken);
	tcase_add_test(tc, indirect_after_direct_is_right);
	tcase_add_test(tc, bad_setup_is_refused);
	tcase_add_test(tc, remapped_ring_goes_on);
	tcase_add_loop_test(tc, everything_is_read_once, 0, 2);
	tcase_add_loop_test(tc, what_was_read_counts, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
