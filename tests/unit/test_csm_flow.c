/* SPDX-License-Identifier: MIT */
/*
 * The table of flows: who is found, who makes room, who is freed when.
 */
#include "backends/consomme/stack.h"
#include "support/csm_fake_host.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define MANY 5000

struct toy {
	struct csm_flow flow;
	bool stays;   /* may_evict says no */
	bool lingers; /* end() does not bury it */
	unsigned int ended;
};

static struct fake_host host;
static struct csm_stack stack;
static unsigned int freed, asked;

static bool may_evict(const struct csm_flow *flow)
{
	asked++;
	return !container_of_const(flow, struct toy, flow)->stays;
}

static void end(struct csm_flow *flow)
{
	struct toy *toy = container_of(flow, struct toy, flow);

	toy->ended++;
	if (!toy->lingers)
		csm_flow_bury(flow);
}

static void destroy(struct csm_flow *flow)
{
	ck_assert(flow->buried);
	freed++;
	free(container_of(flow, struct toy, flow));
}

static const struct csm_flow_ops ops = {
	.proto = "toy",
	.may_evict = may_evict,
	.end = end,
	.destroy = destroy,
};

static void setup(uint32_t max)
{
	const uint64_t key[2] = {1, 2};
	const uint32_t caps[CSM_FLOW_KINDS] = {max, max, max, max};

	fake_host_init(&host);
	memset(&stack, 0, sizeof(stack));
	stack.host = &host.base;
	stack.now = CSM_SEC;
	list_init(&stack.senders);
	ck_assert_int_eq(csm_flows_init(&stack.flows, key, caps), 0);
}

static void teardown(void)
{
	csm_flows_fini(&stack.flows);
	csm_flows_fini(&stack.flows);
	ck_assert_uint_eq(host.n_open, 0);
	ck_assert_uint_eq(host.violations, 0);
	fake_host_fini(&host);
}

static struct csm_key key_of(uint32_t i)
{
	return (struct csm_key){
		.guest = csm_addr_from_u32(0x0a00020f),
		.far = csm_addr_from_u32(0x01000000 + i % 7),
		.guest_port = (uint16_t)(i / 7),
		.far_port = (uint16_t)(i % 3),
		.kind = (uint8_t)(i % CSM_FLOW_KINDS),
	};
}

static struct toy *toy_new(uint32_t i)
{
	struct toy *toy = calloc(1, sizeof(*toy));

	ck_assert_ptr_nonnull(toy);
	toy->flow.ops = &ops;
	toy->flow.key = key_of(i);
	csm_sender_init(&toy->flow.sender, NULL);
	toy->flow.source.fd = -1;
	return toy;
}

static struct toy *add(uint32_t i)
{
	struct toy *toy = toy_new(i);

	ck_assert_int_eq(csm_flow_add(&stack, &toy->flow), 0);
	return toy;
}

/* Of one kind. */
static struct toy *add_tcp(uint32_t i)
{
	return add(i * CSM_FLOW_KINDS);
}

static void refuse_tcp(uint32_t i)
{
	struct toy *toy = toy_new(i * CSM_FLOW_KINDS);

	ck_assert_int_eq(csm_flow_add(&stack, &toy->flow), -ENFILE);
	free(toy);
}

START_TEST(siphash_is_siphash)
{
	/* The vectors of its authors. */
	const uint64_t key[2] = {UINT64_C(0x0706050403020100),
				 UINT64_C(0x0f0e0d0c0b0a0908)};
	uint8_t in[15];

	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	ck_assert_uint_eq(csm_siphash(key, in, 0),
			  UINT64_C(0x726fdb47dd0e0e31));
	ck_assert_uint_eq(csm_siphash(key, in, 8),
			  UINT64_C(0x93f5f5799a932462));
	ck_assert_uint_eq(csm_siphash(key, in, 15),
			  UINT64_C(0xa129ca6149be45e5));
}
END_TEST

START_TEST(each_finds_its_own)
{
	static struct toy *toys[MANY];
	unsigned int buried = 0;

	setup(MANY);
	for (uint32_t i = 0; i < MANY; i++)
		toys[i] = add(i);
	ck_assert_uint_eq(stack.flows.n, MANY);
	for (uint32_t i = 0; i < MANY; i += 3, buried++) {
		csm_flow_bury(&toys[i]->flow);
		toys[i] = NULL;
	}
	ck_assert_uint_eq(freed, 0); /* whoever has a pointer still has it */
	csm_flows_reap(&stack.flows);
	ck_assert_uint_eq(freed, buried);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct csm_key key = key_of(i);

		ck_assert_ptr_eq(csm_flow_find(&stack.flows, &key),
				 toys[i] ? &toys[i]->flow : NULL);
	}
	ck_assert_uint_eq(stack.flows.n, MANY - buried);
	teardown();
	ck_assert_uint_eq(freed, MANY);
}
END_TEST

START_TEST(chains_stay_short)
{
	size_t longest = 0;

	setup(MANY);
	for (uint32_t i = 0; i < MANY; i++)
		add(i);
	for (size_t i = 0; i <= stack.flows.mask; i++) {
		const struct csm_flow *flow = stack.flows.table[i];
		size_t n = 0;

		for (; flow; flow = flow->hash_next)
			n++;
		longest = MAX(longest, n);
	}
	ck_assert_uint_le(longest, 12);
	teardown();
}
END_TEST

START_TEST(the_longest_silent_makes_room)
{
	struct toy *toys[4];

	setup(4);
	for (uint32_t i = 0; i < 4; i++)
		toys[i] = add_tcp(i);
	refuse_tcp(9); /* all have just come */
	stack.now += 60 * CSM_SEC;
	csm_flow_touch(&toys[0]->flow);
	toys[1]->stays = true;
	add_tcp(10); /* in the place of 2 */
	ck_assert_uint_eq(toys[2]->ended, 1);
	ck_assert(toys[2]->flow.buried);
	ck_assert_uint_eq(toys[0]->ended + toys[1]->ended + toys[3]->ended, 0);
	ck_assert_uint_eq(stack.flows.kinds[CSM_FLOW_TCP].n, 4);
	ck_assert_uint_eq(stack.flows.kinds[CSM_FLOW_TCP].evicted, 1);
	ck_assert_uint_eq(stack.flows.kinds[CSM_FLOW_TCP].refused, 1);
	add_tcp(11); /* of 3 */
	ck_assert_uint_eq(toys[3]->ended, 1);
	refuse_tcp(12);	   /* the others stay, or are in use */
	add(CSM_FLOW_UDP); /* another kind has room of its own */
	teardown();
}
END_TEST

START_TEST(who_cannot_go_at_once_leaves_room_later)
{
	struct toy *toys[3];

	setup(3);
	for (uint32_t i = 0; i < 3; i++)
		toys[i] = add_tcp(i);
	toys[0]->lingers = true;
	stack.now += 60 * CSM_SEC;
	refuse_tcp(9); /* 0 has been told */
	ck_assert_uint_eq(toys[0]->ended, 1);
	csm_flow_bury(&toys[0]->flow); /* its turn has come */
	add_tcp(9);
	toys[1]->lingers = true;
	refuse_tcp(10);
	add_tcp(10); /* not 1 again: 2 goes at once */
	ck_assert_uint_eq(toys[1]->ended, 1);
	teardown();
}
END_TEST

START_TEST(a_flood_looks_at_few)
{
	setup(1000);
	for (uint32_t i = 0; i < 1000; i++)
		add_tcp(i)->stays = true;
	stack.now += 60 * CSM_SEC;
	refuse_tcp(2000);
	ck_assert_uint_gt(asked, 0);
	ck_assert_uint_le(asked, 64);
	teardown();
}
END_TEST

START_TEST(the_buried_have_nothing_left)
{
	struct toy *toy;

	setup(4);
	toy = add_tcp(0);
	toy->flow.source.fd =
		csm_host_socket(&host.base, CSM_SOCKET_TCP, false);
	ck_assert_int_ge(toy->flow.source.fd, 0);
	list_insert_before(&stack.senders, &toy->flow.sender.node);
	csm_flow_bury(&toy->flow);
	ck_assert(list_is_empty(&stack.senders));
	ck_assert_int_eq(toy->flow.source.fd, -1);
	ck_assert_uint_eq(host.n_open, 0);
	teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_flow");
	TCase *tc = tcase_create("csm_flow");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, siphash_is_siphash);
	tcase_add_test(tc, each_finds_its_own);
	tcase_add_test(tc, chains_stay_short);
	tcase_add_test(tc, the_longest_silent_makes_room);
	tcase_add_test(tc, who_cannot_go_at_once_leaves_room_later);
	tcase_add_test(tc, a_flood_looks_at_few);
	tcase_add_test(tc, the_buried_have_nothing_left);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
