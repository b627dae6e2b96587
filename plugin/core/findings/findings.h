/* findings.h
 * The rows of findings.def as an enum, and sets of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FINDINGS_H
#define TCPHS_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

enum tcphs_finding {
    TCPHS_FINDING_NONE = 0,
#define TCPHS_ANOMALY(name, ...) TCPHS_FINDS_##name,
#define TCPHS_NOTE(name, ...) TCPHS_FINDS_##name,
#include "findings/findings.def"
    TCPHS_FINDINGS
};

#define TCPHS_FINDING_WORDS 2

_Static_assert(TCPHS_FINDINGS <= 64 * TCPHS_FINDING_WORDS, "a set of findings has a bit for each");

/** A set of findings; all zero is empty. Lifetime: that of what it is part of. */
struct tcphs_findings {
    uint64_t words[TCPHS_FINDING_WORDS];
};

/** See tcphs_lowest_bit. */
extern const uint8_t tcphs_bit_numbers[64];

/** Those that count under tcphs.anomaly (the others are notes), and those that suspect forgery (tcphs.forged). */
extern const struct tcphs_findings tcphs_anomalies, tcphs_forgeries;

static inline bool tcphs_findings_has(const struct tcphs_findings *set, unsigned finding)
{
    return (set->words[finding / 64] >> finding % 64 & 1) != 0;
}

static inline void tcphs_findings_add(struct tcphs_findings *set, unsigned finding)
{
    set->words[finding / 64] |= UINT64_C(1) << finding % 64;
}

static inline bool tcphs_findings_any(const struct tcphs_findings *set)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        any |= set->words[i];
    return any != 0;
}

/** Adds all of another set. */
static inline void tcphs_findings_join(struct tcphs_findings *set, const struct tcphs_findings *more)
{
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        set->words[i] |= more->words[i];
}

/** What both sets have. */
static inline struct tcphs_findings tcphs_findings_both(const struct tcphs_findings *a, const struct tcphs_findings *b)
{
    struct tcphs_findings both;
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        both.words[i] = a->words[i] & b->words[i];
    return both;
}

/** Whether the sets have anything in common. */
static inline bool tcphs_findings_meet(const struct tcphs_findings *a, const struct tcphs_findings *b)
{
    const struct tcphs_findings both = tcphs_findings_both(a, b);
    return tcphs_findings_any(&both);
}

static inline bool tcphs_findings_equal(const struct tcphs_findings *a, const struct tcphs_findings *b)
{
    uint64_t differ = 0;
    for (unsigned i = 0; i < TCPHS_FINDING_WORDS; i++)
        differ |= a->words[i] ^ b->words[i];
    return differ == 0;
}

/**
 * The number of the lowest bit of a word that is not 0: a power of two times this number has other upper bits for each
 * (a de Bruijn sequence).
 */
static inline unsigned tcphs_lowest_bit(uint64_t word)
{
    return tcphs_bit_numbers[((word & (~word + 1)) * UINT64_C(0x022FDD63CC95386D)) >> 58];
}

/** The first member of a set behind a finding, in the order of the rows; 0 when there is none. From 0 on: all of them.
 */
unsigned tcphs_findings_next(const struct tcphs_findings *set, unsigned finding);

#endif
