/* SPDX-License-Identifier: MIT */
/*
 * Rate limits on the control socket, in Firecracker's terms.
 */
#include "machine/commands_private.h"

static void add_bucket(cJSON *limiter, const char *name,
		       const struct token_bucket_config *bucket)
{
	cJSON *object;

	if (!bucket->size)
		return;
	object = cJSON_AddObjectToObject(limiter, name);
	add_number(object, "size", bucket->size);
	add_number(object, "one_time_burst", bucket->one_time_burst);
	add_number(object, "refill_time", bucket->refill_time);
}

static void add_direction(cJSON *nic, const char *name,
			  const struct limiter_direction *limits)
{
	cJSON *object = cJSON_AddObjectToObject(nic, name);

	add_bucket(object, "bandwidth", &limits->bandwidth);
	add_bucket(object, "ops", &limits->ops);
}

void limits_to_json(cJSON *object, const struct net_endpoint *limiter)
{
	struct limiter_config limits;

	limiter_get(limiter, &limits);
	add_direction(object, "rx_rate_limiter", &limits.rx);
	add_direction(object, "tx_rate_limiter", &limits.tx);
}

/* Changes @limits by those buckets that @name gives. False: the call was
 * answered. */
static bool change_limits(struct qmp_call *call, const cJSON *args,
			  const char *name, struct limiter_direction *limits)
{
	const cJSON *arg = arg_find(args, name);
	struct config_limiter given;
	struct description desc;
	bool good;

	if (!arg)
		return true;
	good = read_object(call, &desc, &key_table_limiter,
			   cJSON_Duplicate(arg, true), &given);
	if (good && cJSON_IsObject(arg_find(arg, "bandwidth")))
		limits->bandwidth = nics_bucket(&given.bandwidth);
	if (good && cJSON_IsObject(arg_find(arg, "ops")))
		limits->ops = nics_bucket(&given.ops);
	description_fini(&desc);
	return good;
}

void run_set_rate_limiter(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct nic *nic = arg_nic(owner, call, args, "id");
	struct limiter_config limits;

	if (!nic)
		return;
	if (!nic_limiter(nic)) {
		fail_not_found(call, nic_id(nic));
		return;
	}
	limiter_get(nic_limiter(nic), &limits);
	if (!change_limits(call, args, "rx_rate_limiter", &limits.rx) ||
	    !change_limits(call, args, "tx_rate_limiter", &limits.tx))
		return;
	if (limiter_set(nic_limiter(nic), &limits) < 0)
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "%s: a bucket with a \"size\" needs a "
			 "\"refill_time\"",
			 nic_id(nic));
	else
		qmp_return(call, NULL);
}
