/* predicates.h
 * One predicate per row of findings.def, declared from the rows themselves: a row without its predicate does not link.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PREDICATES_H
#define TCPHS_PREDICATES_H

#include "tcp/arrival.h"

/* A predicate gives 0 for "no", the segment's own frame for "yes, this one", an earlier frame for "this one proves it".
 */
#define TCPHS_ANOMALY(name, ...) uint32_t tcphs_check_##name(const struct tcphs_arrival *a);
#define TCPHS_NOTE(name, ...) uint32_t tcphs_check_##name(const struct tcphs_arrival *a);
#include "findings/findings.def"

#endif
