/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_HOST_TRY_H
#define EVNIC_MACHINE_HOST_TRY_H

/*
 * The trials of machine/host_features.c: each does what the running machine
 * would do, in a child process where that would change something here. All
 * return 0, -errno, or HOST_NOT_TRIED.
 */

int host_try_tap(void);
int host_try_tap_queues(void);
int host_try_tap_steering(void);
int host_try_tap_uso(void);
int host_try_tap_namespace(void);
int host_try_bpf(void);
int host_try_tcp_peek_off(void);
int host_try_ping(void);
int host_try_vhost(void);
int host_try_prefault(void);
int host_try_huge_pages(void);
int host_try_close_range(void);
int host_try_pidfd(void);
int host_try_user_namespace(void);
int host_try_namespaces(void);
int host_try_empty_root(void);
int host_try_seccomp(void);
int host_try_seccomp_bitmap(void);

#endif
