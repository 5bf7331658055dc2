/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of the folders named on the command line:
 * how ctest replays a corpus, with any compiler. A folder without a file is an
 * error, since such a test could not fail.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	FILE *f = fopen(path, "rbe");

	if (!f || fstat(fileno(f), &st) < 0) {
		perror(path);
		if (f)
			(void)fclose(f);
		return -1;
	}
	/* Exactly as large as the input, so that ASan sees an overread. */
	data = malloc((size_t)st.st_size ? (size_t)st.st_size : 1);
	if (!data ||
	    fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		(void)fprintf(stderr, "%s: cannot be read\n", path);
		free(data);
		(void)fclose(f);
		return -1;
	}
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int files = 0;

	if (!dir) {
		perror(folder);
		return -1;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
			       entry->d_name);
		if (replay_file(path) < 0) {
			(void)closedir(dir);
			return -1;
		}
		files++;
	}
	(void)closedir(dir);
	if (!files)
		(void)fprintf(stderr, "%s: no inputs\n", folder);
	else
		(void)printf("%s: %d inputs\n", folder, files);
	return files ? 0 : -1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (replay_folder(argv[i]) < 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
