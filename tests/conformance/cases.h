/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_CASES_H
#define EVNIC_TESTS_CONFORMANCE_CASES_H

/*
 * The cases of the conformance suite, added to @tc for the runs @from to @to -
 * 1, which are those of one backend, by itself or in a wrapper. A case that it
 * cannot have (nothing arrives, nothing is seen outside) ends at once.
 */

#include <check.h>

void endpoint_cases(TCase *tc, int from, int to);
void slots_cases(TCase *tc, int from, int to);
void receive_cases(TCase *tc, int from, int to);
void transmit_cases(TCase *tc, int from, int to);
void hostile_cases(TCase *tc, int from, int to);
void load_cases(TCase *tc, int from, int to);

#endif
