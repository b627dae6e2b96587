/* predicates.h
 * One predicate per row of findings.def, declared from the rows themselves: a row without its predicate does not link.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PREDICATES_H
#define TCPHS_PREDICATES_H

#include "tcp/arrival.h"

/** What a predicate has found. Lifetime: one call. */
struct tcphs_found {
    uint32_t frame; /**< 0 = nothing; the segment's own; or that of an earlier one, which this segment proves wrong */
    uint32_t seen, due; /**< what explains it, valid with has_numbers; else column `numbers` says which pair does */
    bool has_numbers;
    bool ack_is_right; /**< the numbers are sequence numbers, where the row is explained by acknowledgments first */
};

#define TCPHS_ANOMALY(name, ...) struct tcphs_found tcphs_check_##name(const struct tcphs_arrival *a);
#define TCPHS_NOTE(name, ...) struct tcphs_found tcphs_check_##name(const struct tcphs_arrival *a);
#include "findings/findings.def"

#endif
