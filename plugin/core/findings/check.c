/* check.c
 * Which rows a segment gives occasion to ask, what their predicates have found, and by which numbers it is explained.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/check.h"

#include "findings/columns.h"
#include "findings/predicates.h"
#include "tcp/acceptability.h"
#include "tcp/suspicion.h"

/* What asking a row needs of its columns. */
static const struct {
    struct tcphs_found (*check)(const struct tcphs_arrival *a);
    uint8_t numbers, proof, settles;
} rows[TCPHS_FINDINGS] = {
#define ROW(name, numbers, proof, settles) [TCPHS_FINDS_##name] = { tcphs_check_##name, numbers, proof, settles },
#define TCPHS_ANOMALY(name, family, severity, group, summary, numbers, explanation, source, occasions, proof, settles, \
                      forgery)                                                                                         \
    ROW(name, numbers, proof, settles)
#define TCPHS_NOTE(name, family, severity, group, summary, numbers, explanation, source, occasions, proof, settles,    \
                   forgery)                                                                                            \
    ROW(name, numbers, proof, settles)
#include "findings/findings.def"
};

/* The rows of each occasion, by the number of its bit: worked out by the compiler. */
#define IN(word, name) (TCPHS_FINDS_##name / 64 == (word) ? UINT64_C(1) << TCPHS_FINDS_##name % 64 : 0)
#define IN_IF_ASKED(word, name, occasions) ((occasions)&ASKED_ON ? IN(word, name) : 0)
static const struct tcphs_findings asked_on[] = {
/* clang-format off */
#define ASKED_ON ON_ODD_FLAGS
#include "findings/asked.def"
#define ASKED_ON ON_RST
#include "findings/asked.def"
#define ASKED_ON ON_SYN
#include "findings/asked.def"
#define ASKED_ON ON_SYN_ACK
#include "findings/asked.def"
#define ASKED_ON ON_ACK
#include "findings/asked.def"
#define ASKED_ON ON_FIN
#include "findings/asked.def"
#define ASKED_ON ON_BAD_NUMBERS
#include "findings/asked.def"
#define ASKED_ON ON_REPEAT
#include "findings/asked.def"
#define ASKED_ON ON_HANDSHAKE
#include "findings/asked.def"
#define ASKED_ON ON_DATA_AFTER_FIN
#include "findings/asked.def"
#define ASKED_ON ON_RESET
#include "findings/asked.def"
#define ASKED_ON ON_SUSPICION
#include "findings/asked.def"
#define ASKED_ON ON_FIRST_SEGMENT
#include "findings/asked.def"
#define ASKED_ON ON_REFUSAL
#include "findings/asked.def"
    /* clang-format on */
};

/* Occasions ------------------------------------------------------------------------------------------------------ */

static bool has_odd_flags(const struct tcphs_arrival *a)
{
    const struct tcphs_segment *s = a->s;
    const unsigned verbs = s->flags & (TCPHS_SYN | TCPHS_FIN | TCPHS_RST);
    return a->kind == TCPHS_KIND_NO_ACK || (verbs & (verbs - 1)) != 0 ||
           (s->ack != 0 && !tcphs_has_any(s, TCPHS_ACK)) || (s->length == 0 && tcphs_has_any(s, TCPHS_PSH)) ||
           tcphs_has_any(s, TCPHS_URG) || s->urgent != 0 || tcphs_has_misplaced_option(s) ||
           s->source_port == 0 || s->destination_port == 0;
}

static unsigned occasions_of_ack(const struct tcphs_arrival *a)
{
    unsigned on = ON_ACK;
    if (tcphs_has_fin(a))
        on |= ON_FIN;
    if (a->ack_position == TCPHS_ACK_FAR || a->ack_position == TCPHS_ACK_TOO_OLD || a->seq_position == TCPHS_SEQ_FAR)
        on |= ON_BAD_NUMBERS;
    if (a->seq_position == TCPHS_SEQ_OLD || a->seq_position == TCPHS_SEQ_EDGE)
        on |= ON_REPEAT;
    if (a->s->length > 0 && tcphs_knows(a->x, TCPHS_FIN_SENT))
        on |= ON_DATA_AFTER_FIN;
    return on;
}

static unsigned occasions_of_kind(const struct tcphs_arrival *a)
{
    switch ((enum tcphs_segment_kind)a->kind) {
    case TCPHS_KIND_RST:
        return ON_RST;
    case TCPHS_KIND_SYN:
        return ON_SYN;
    case TCPHS_KIND_SYN_ACK:
        return ON_SYN_ACK;
    case TCPHS_KIND_ACK:
        return occasions_of_ack(a);
    case TCPHS_KIND_NO_ACK:
        break;
    }
    return 0;
}

/* The occasions that this segment gives. */
static unsigned occasions_of(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    unsigned on = occasions_of_kind(a);
    if (has_odd_flags(a))
        on |= ON_ODD_FLAGS;
    if (x->state == TCPHS_SYN_RECEIVED || x->state == TCPHS_SYN_SENT || y->state == TCPHS_SYN_RECEIVED ||
        y->state == TCPHS_SYN_SENT)
        on |= ON_HANDSHAKE;
    if (tcphs_is_reset(a->c))
        on |= ON_RESET;
    if ((x->foreign_frame | x->challenge_frame | y->unseen_ack_frame | y->foreign_frame | y->challenge_frame |
         a->c->early_data_frame | a->c->assumed_open_frame) != 0)
        on |= ON_SUSPICION;
    if (!(a->c->facts & TCPHS_HAD_SEGMENT))
        on |= ON_FIRST_SEGMENT;
    if (a->refusal != TCPHS_REFUSED_FOR_NOTHING)
        on |= ON_REFUSAL;
    return on;
}

/* The rows that are asked on any of these occasions. */
static struct tcphs_findings rows_asked(unsigned occasions)
{
    struct tcphs_findings asked = { { 0 } };
    for (unsigned i = 0; occasions != 0; i++, occasions >>= 1)
        if (occasions & 1)
            tcphs_findings_join(&asked, &asked_on[i]);
    return asked;
}

/* Numbers ------------------------------------------------------------------------------------------------------- */

/* A number from the start of its sequence space, where that is known. */
static uint32_t start_of(const struct tcphs_end *e)
{
    return tcphs_knows(e, TCPHS_KNOWS_ISS) ? e->iss : 0;
}

/* The sequence number that was expected of the sender. */
static uint32_t due_seq(const struct tcphs_arrival *a)
{
    const struct tcphs_end *x = a->x, *y = a->y;
    if (a->kind == TCPHS_KIND_SYN || a->kind == TCPHS_KIND_SYN_ACK) /* that of the one before it */
        return x->iss;
    if (a->kind == TCPHS_KIND_ACK && tcphs_knows(x, TCPHS_FIN_SENT))
        return x->fin_seq;
    return tcphs_knows(y, TCPHS_KNOWS_HEARD) ? y->rcv_nxt : x->snd_nxt;
}

/* The pair that column `numbers` asks for, of this segment. A RST without ACK flag has no acknowledgment that could be
 * wrong. */
static void fill_numbers(const struct tcphs_arrival *a, unsigned numbers, struct tcphs_found *found)
{
    const bool has_ack = a->kind != TCPHS_KIND_RST || tcphs_has_any(a->s, TCPHS_ACK);
    found->has_numbers = true;
    found->ack_is_right = (numbers & ACK) && (!has_ack || a->s->ack == tcphs_due_ack(a));
    if ((numbers & ACK) && !found->ack_is_right) {
        found->seen = a->s->ack - start_of(a->y);
        found->due = tcphs_due_ack(a) - start_of(a->y);
    } else {
        found->seen = a->s->seq - start_of(a->x);
        found->due = due_seq(a) - start_of(a->x);
    }
}

/* Findings ------------------------------------------------------------------------------------------------------- */

static bool is_explained(const struct tcphs_outcome *o, unsigned finding)
{
    for (unsigned i = 0; i < o->explained_count; i++)
        if (o->explained[i].finding == finding)
            return true;
    return false;
}

static void explain(struct tcphs_outcome *o, const struct tcphs_explanation *explanation)
{
    if (o->explained_count < TCPHS_MOST_EXPLAINED && !is_explained(o, explanation->finding))
        o->explained[o->explained_count++] = *explanation;
}

static void enter(const struct tcphs_arrival *a, unsigned finding, struct tcphs_found found, struct tcphs_outcome *out)
{
    tcphs_findings_add(&out->findings, finding);
    if (found.frame != a->s->frame && out->back == 0)
        out->back = found.frame;
    if (found.frame != a->s->frame && found.frame == out->back)
        tcphs_findings_add(&out->backward, finding);
    if (rows[finding].numbers == NOTHING)
        return;
    if (!found.has_numbers)
        fill_numbers(a, rows[finding].numbers, &found);
    const bool ack_is_right = found.ack_is_right && (rows[finding].numbers & ACK);
    explain(out, &(struct tcphs_explanation){ found.seen, found.due, (uint8_t)finding, ack_is_right });
}

static void check_row(const struct tcphs_arrival *a, unsigned finding, struct tcphs_outcome *out)
{
    const struct tcphs_found found = rows[finding].check(a);
    if (found.frame == 0 ||
        (rows[finding].proof == DEFERRED && found.frame == a->s->frame && tcphs_may_be_of_other_connection(a)))
        return;
    enter(a, finding, found, out);
}

/* A segment that is dropped for its signature proves nothing, whoever sent it: only its header is asked about. */
static struct tcphs_findings without_proofs(const struct tcphs_arrival *a, const struct tcphs_findings *asked)
{
    if (a->refusal != TCPHS_REFUSED_FOR_SIGNATURE)
        return *asked;
    const struct tcphs_findings header = rows_asked(ON_ODD_FLAGS | ON_REFUSAL);
    return tcphs_findings_both(asked, &header);
}

static void check_rows(const struct tcphs_arrival *a, const struct tcphs_findings *wanted, struct tcphs_outcome *out)
{
    const struct tcphs_findings asked = without_proofs(a, wanted);
    for (unsigned word = 0; word < TCPHS_FINDING_WORDS; word++)
        for (uint64_t rest = asked.words[word]; rest != 0; rest &= rest - 1)
            check_row(a, word * 64 + tcphs_lowest_bit(rest), out);
}

void tcphs_check_all(const struct tcphs_arrival *a, struct tcphs_outcome *out)
{
    const struct tcphs_findings asked = rows_asked(occasions_of(a));
    check_rows(a, &asked, out);
}

void tcphs_check_every_row(const struct tcphs_arrival *a, struct tcphs_outcome *out)
{
    struct tcphs_findings every = { { 0 } };
    for (unsigned i = 1; i < TCPHS_FINDINGS; i++)
        tcphs_findings_add(&every, i);
    check_rows(a, &every, out);
}

unsigned tcphs_settled_by(const struct tcphs_findings *findings)
{
    unsigned settles = SETTLES_NOTHING;
    for (unsigned i = tcphs_findings_next(findings, 0); i != 0; i = tcphs_findings_next(findings, i))
        settles |= rows[i].settles;
    return settles;
}
