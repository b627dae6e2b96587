/* findings.h
 * The rows of findings.def as an enum, and the set of them found in one segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FINDINGS_H
#define TCPHS_FINDINGS_H

#include <stdint.h>

enum tcphs_finding {
    TCPHS_FINDING_NONE = 0,
#define TCPHS_ANOMALY(name, ...) TCPHS_FINDS_##name,
#define TCPHS_NOTE(name, ...) TCPHS_FINDS_##name,
#include "findings/findings.def"
    TCPHS_FINDINGS
};

_Static_assert(TCPHS_FINDINGS <= 64, "a set of findings is one 64-bit word");

#define TCPHS_FINDING_BIT(finding) (UINT64_C(1) << (finding))

/** The findings that count under tcphs.anomaly; the others are notes. */
static const uint64_t TCPHS_ANOMALIES = 0
#define TCPHS_ANOMALY(name, ...) | TCPHS_FINDING_BIT(TCPHS_FINDS_##name)
#include "findings/findings.def"
    ;

#endif
