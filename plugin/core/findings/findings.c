/* findings.c
 * Sets of findings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/findings.h"

#include "findings/columns.h"

#define IN(word, name) (TCPHS_FINDS_##name / 64 == (word) ? UINT64_C(1) << TCPHS_FINDS_##name % 64 : 0)

const struct tcphs_findings tcphs_anomalies = { { 0
#define TCPHS_ANOMALY(name, ...) | IN(0, name)
#include "findings/findings.def"
                                                  ,
                                                  0
#define TCPHS_ANOMALY(name, ...) | IN(1, name)
#include "findings/findings.def"
} };

#define IN_IF_FORGED(word, name, forgery) ((forgery) == FORGED ? IN(word, name) : 0)
const struct tcphs_findings tcphs_forgeries = { { 0
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, occasions, proof, settles, \
                      forgery)                                                                                         \
    | IN_IF_FORGED(0, name, forgery)
#include "findings/findings.def"
                                                  ,
                                                  0
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, occasions, proof, settles, \
                      forgery)                                                                                         \
    | IN_IF_FORGED(1, name, forgery)
#include "findings/findings.def"
} };

const uint8_t tcphs_bit_numbers[64] = {
    0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
    22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
    23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

unsigned tcphs_findings_next(const struct tcphs_findings *set, unsigned finding)
{
    const unsigned from = finding + 1;
    for (unsigned i = from / 64; i < TCPHS_FINDING_WORDS; i++) {
        const uint64_t rest = i == from / 64 ? set->words[i] >> from % 64 << from % 64 : set->words[i];
        if (rest != 0)
            return i * 64 + tcphs_lowest_bit(rest);
    }
    return TCPHS_FINDING_NONE;
}
