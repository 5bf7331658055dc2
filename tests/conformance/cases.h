/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_CASES_H
#define EVNIC_TESTS_CONFORMANCE_CASES_H

/*
 * The cases of the conformance suite; @n: rows times modes. A case that the row
 * cannot have (nothing arrives, nothing is seen outside) ends at once.
 */

#include <check.h>

TCase *endpoint_cases(int n);
TCase *receive_cases(int n);
TCase *transmit_cases(int n);
TCase *hostile_cases(int n);

#endif
