/* SPDX-License-Identifier: MIT */
/*
 * The log of a machine, as its description wants it.
 */
#include "machine/logger.h"

#include "base/log_output.h"
#include "machine/keys.h"

#include <stdio.h>
#include <string.h>

void logger_default_id(const char *path, char id[LOG_ID_MAX])
{
	static const char suffix[] = ".json";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len >= sizeof(suffix) &&
	    strcmp(name + len + 1 - sizeof(suffix), suffix) == 0)
		len -= sizeof(suffix) - 1;
	len = MIN(len, (size_t)LOG_ID_MAX - 1);
	memcpy(id, name, len);
	id[len] = '\0';
}

int logger_level(const char *word)
{
	const struct key *logger = key_find(&key_table_machine, "logger");

	return key_word_index(key_find(logger->table, "level"), word);
}

static enum log_level level_of(int level)
{
	static const enum log_level levels[] = {
		[CONFIG_LEVEL_OFF] = LOG_LEVEL_OFF,
		[CONFIG_LEVEL_ERROR] = LOG_LEVEL_ERROR,
		[CONFIG_LEVEL_WARN] = LOG_LEVEL_WARN,
		[CONFIG_LEVEL_WARNING] = LOG_LEVEL_WARN,
		[CONFIG_LEVEL_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LEVEL_DEBUG] = LOG_LEVEL_DEBUG,
		[CONFIG_LEVEL_TRACE] = LOG_LEVEL_DEBUG,
	};

	return levels[level];
}

int logger_open(const struct machine_config *config)
{
	const struct logger_config *logger = &config->logger;
	const struct log_config log = {
		.level = level_of(logger->level),
		.id = config->id,
		.hide_level = !logger->show_level,
		.hide_thread = !logger->show_log_origin,
	};
	char cause[ERRNO_TEXT_MAX];
	int err = log_output_open(logger->log_path);

	if (err == 0) {
		log_configure(&log);
		return 0;
	}
	log_error("%s: the log file cannot be opened: %s", logger->log_path,
		  errno_text(-err, cause, sizeof(cause)));
	return -1;
}

bool logger_hears_hangup(void)
{
	return log_output_shape() != LOG_SHAPE_STDERR;
}

int logger_reopen(const struct machine_config *config)
{
	const char *path = config->logger.log_path;
	char cause[ERRNO_TEXT_MAX];
	int err;

	if (!path)
		return 0;
	err = log_output_open_file(path);
	if (err >= 0)
		err = log_output_replace(err);
	if (err < 0)
		log_error("%s: the log file cannot be opened anew: %s: lines "
			  "go to the old one",
			  path, errno_text(-err, cause, sizeof(cause)));
	return err;
}
