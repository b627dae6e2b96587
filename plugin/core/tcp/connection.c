/* connection.c
 * Processes one segment of one connection: judge it (acceptability.c), name what is wrong (predicates.c), then let both
 * ends' machines (machine.c) and numbers follow. The observer's creed: what was captured and is acceptable counts as
 * heard at once, until a later segment contradicts it; what its receiver would drop changes nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/connection.h"

#include <string.h>

#include "findings/check.h"
#include "findings/columns.h"
#include "tcp/acceptability.h"
#include "tcp/ack.h"
#include "tcp/belief.h"
#include "tcp/evidence.h"
#include "tcp/fin.h"
#include "tcp/rst.h"
#include "tcp/sequence_space.h"
#include "tcp/suspicion.h"
#include "tcp/syn.h"
#include "tcp/handshake_options.h"

void tcphs_connection_init(struct tcphs_connection *c, const struct tcphs_connection *previous)
{
    memset(c, 0, sizeof *c);
    tcphs_transition(&c->end[0], TCPHS_FORGOTTEN);
    tcphs_transition(&c->end[1], TCPHS_FORGOTTEN);
    c->client = c->first_closer = TCPHS_NO_END;
    c->round_trip = -1;
    if (previous)
        c->facts = TCPHS_REUSES_PORTS;
}

/* The client's segment that made both ends synchronised: step 3, or a SYN-ACK of a simultaneous open. */
static void emit_established(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    c->facts |= TCPHS_WAS_ESTABLISHED;
    c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
    c->established_frame = p->s->frame;
    if (!(c->facts & TCPHS_HAD_OPENED))
        p->o->event = TCPHS_EVENT_ESTABLISHED;
    c->facts |= TCPHS_HAD_OPENED;
    if (c->syn_count > 0 && p->s->time >= c->first_syn_time) {
        p->o->time_setup = p->s->time - c->first_syn_time;
        c->round_trip = p->s->time - c->last_syn_time;
    }
}

static void emit_step_3(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    p->o->step = 3;
    tcphs_emit_due_ack(p, p->s->ack);
    tcphs_emit_counts(p);
    tcphs_emit_options(p);
    tcphs_link_first(p, TCPHS_LINK_ACK);
    c->facts = (c->facts & ~(uint32_t)TCPHS_REPEATED_SYN_ACK) | TCPHS_HAD_FINAL_ACK;
    if (p->s->time >= c->last_synack_time)
        p->o->time_ack = p->s->time - c->last_synack_time;
    tcphs_learn_answer_time(p->x, p->o->time_ack);
}

/* The same final ACK again, in answer to a repeated SYN-ACK. */
static bool repeats_final_ack(const struct tcphs_processing *p)
{
    return (p->c->facts & TCPHS_REPEATED_SYN_ACK) && tcphs_is_pure_ack(p->s) && tcphs_knows(p->y, TCPHS_SENT_SYN_ACK) &&
           p->s->ack == p->y->iss + 1 && p->s->seq == p->x->iss + 1;
}

/* The final ACK itself was captured ahead of the SYN-ACK, and could not be checked: the next one like it can. */
static bool is_checked_final_ack(const struct tcphs_processing *p)
{
    return (p->x->beliefs & TCPHS_AHEAD_OF_SYN_ACK) && p->a->kind == TCPHS_KIND_ACK && p->s->ack == p->y->iss + 1 &&
           p->s->seq == p->x->iss + 1;
}

/* This segment is step 3: it answers the SYN-ACK, for the first time or again. */
static bool is_step_3(const struct tcphs_processing *p, bool was_syn_received)
{
    if (p->a->kind != TCPHS_KIND_ACK || p->a->refusal != TCPHS_REFUSED_FOR_NOTHING)
        return false;
    const bool answers =
        was_syn_received && p->y->state != TCPHS_SYN_RECEIVED && tcphs_knows(p->y, TCPHS_SENT_SYN_ACK);
    return (answers && !(p->c->facts & TCPHS_WAS_ESTABLISHED)) || repeats_final_ack(p) || is_checked_final_ack(p);
}

static bool is_open_now(const struct tcphs_connection *c)
{
    return tcphs_is_synchronised(c->end[0].state) && tcphs_is_synchronised(c->end[1].state) &&
           !(c->facts & (TCPHS_MIDSTREAM_START | TCPHS_WAS_ESTABLISHED));
}

/* The connection is closed, or reset, by this segment. */
static void emit_end(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    const bool was_open = (c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) != 0;
    c->end_frame = p->s->frame;
    if (was_open && !(c->facts & TCPHS_HAD_ENDED)) {
        c->facts |= TCPHS_HAD_ENDED;
        p->o->event = TCPHS_EVENT_ENDED;
    } else if (!was_open && !(c->facts & TCPHS_HAD_FAILED) && c->syn_count > 0) {
        c->facts |= TCPHS_HAD_FAILED;
        p->o->event = TCPHS_EVENT_FAILED;
    }
}

/* What the segment has brought about: step 3, the connection open, or over. */
static void emit_milestones(const struct tcphs_processing *p, enum tcphs_stage before, bool was_syn_received)
{
    const enum tcphs_stage now = tcphs_connection_stage(p->c);
    const bool is_open = is_open_now(p->c);
    if (is_step_3(p, was_syn_received))
        emit_step_3(p);
    if (p->a->kind == TCPHS_KIND_ACK)
        p->x->beliefs &= ~(uint32_t)TCPHS_AHEAD_OF_SYN_ACK;
    if (is_open)
        emit_established(p);
    if (now != before && (now == TCPHS_STAGE_CLOSED || now == TCPHS_STAGE_RESET))
        emit_end(p);
}

static void process(const struct tcphs_processing *p)
{
    switch ((enum tcphs_segment_kind)p->a->kind) {
    case TCPHS_KIND_RST:
        tcphs_process_rst(p);
        break;
    case TCPHS_KIND_SYN:
        tcphs_process_syn(p);
        break;
    case TCPHS_KIND_SYN_ACK:
        tcphs_process_syn_ack(p);
        break;
    case TCPHS_KIND_ACK:
        tcphs_process_ack(p);
        break;
    case TCPHS_KIND_NO_ACK:
        break;
    }
}

/* The server goes on behind the handshake, or ends it; a bare ACK of the SYN alone can be of one that waits for it. */
static bool shows_ack_taken(const struct tcphs_processing *p)
{
    if (!tcphs_knows(p->x, TCPHS_SENT_SYN_ACK) || p->a->accepted == TCPHS_ACCEPT_NO)
        return false;
    const bool is_waiting = tcphs_is_pure_ack(p->s) && p->s->ack == p->y->iss + 1;
    return p->a->kind == TCPHS_KIND_RST || (p->a->kind == TCPHS_KIND_ACK && !is_waiting);
}

/* Whatever the receiver had sent that wants a challenge, this may be it. */
static bool answers_challenge(const struct tcphs_processing *p)
{
    return p->y->challenge_frame != 0 && (p->a->kind == TCPHS_KIND_ACK || (p->a->kind == TCPHS_KIND_SYN_ACK &&
                                                                           (p->y->beliefs & TCPHS_CHALLENGE_OF_ACK)));
}

static void mark_for_verdict(const struct tcphs_processing *p, unsigned settles)
{
    if ((settles & MARKS_BAD_FINAL_ACK) && p->x->state == TCPHS_SYN_RECEIVED)
        p->c->facts |= TCPHS_BAD_FINAL_ACK;
    if (settles & MARKS_CHALLENGED)
        p->c->facts |= TCPHS_CHALLENGED;
    if (settles & MARKS_ACK_NOT_TAKEN)
        p->c->facts |= TCPHS_ACK_NOT_TAKEN;
    else if (shows_ack_taken(p))
        p->c->facts &= ~(uint32_t)TCPHS_ACK_NOT_TAKEN;
}

/* The foreign segment of the receiver is refused, if it is the one accused. */
static void refuse_foreign(const struct tcphs_processing *p)
{
    struct tcphs_end *y = p->y;
    if (p->a->kind != TCPHS_KIND_ACK || p->o->back != y->foreign_frame)
        return;
    y->foreign_frame = 0;
    y->known |= tcphs_knows(y, TCPHS_FOREIGN_HAS_NO_SYN) ? 0 : TCPHS_SYN_REFUSED;
}

/* Suspicions that this segment settles, one way or the other: by what was found in it (column `settles`), or without. */
static void settle_suspicions(const struct tcphs_processing *p)
{
    const unsigned settles = tcphs_settled_by(&p->o->findings);
    if ((settles & REFUTES_UNSEEN_ACK) && p->x->unseen_ack_frame != p->s->frame)
        tcphs_refute_unseen_ack(p);
    if (settles & REFUSES_FOREIGN)
        refuse_foreign(p);
    if (answers_challenge(p))
        tcphs_forget_challenge(p->y);
    if ((settles & REFUSES_OWN_DATA) && p->o->back != 0 && p->o->back == p->x->challenge_frame)
        tcphs_forget_challenge(p->x);
    if (settles & MARKS_TIMESTAMP_MISSING)
        p->x->beliefs |= TCPHS_TS_WAS_MISSING;
    mark_for_verdict(p, settles);
    if (p->c->early_data_frame != p->s->frame && tcphs_is_synchronised(p->y->state) && p->c->client == p->s->from)
        p->c->early_data_frame = 0;
}

static void remember_sender(const struct tcphs_processing *p)
{
    if (p->a->accepted != TCPHS_ACCEPT_NO)
        tcphs_note_accepted(p);
    if (p->a->accepted != TCPHS_ACCEPT_NO && p->a->kind != TCPHS_KIND_RST)
        tcphs_learn_hops(p);
    if (p->a->accepted != TCPHS_ACCEPT_NO)
        p->y->beliefs &= ~(uint32_t)TCPHS_OPENED_UNSEEN; /* the other end agrees */
    if (p->a->kind == TCPHS_KIND_ACK)
        p->x->beliefs |= TCPHS_SENT_ACK;
    const bool is_signed = p->a->kind != TCPHS_KIND_NO_ACK && (p->s->options & TCPHS_SIGNATURES);
    if (is_signed && p->a->accepted != TCPHS_ACCEPT_NO && !tcphs_is_opened_unsigned(p->c))
        p->x->beliefs |= TCPHS_SIGNS;
    p->x->known |= TCPHS_SENT_ANYTHING;
    if (p->a->kind != TCPHS_KIND_NO_ACK)
        p->c->facts |= TCPHS_HAD_SEGMENT;
    p->c->last_time = p->s->time;
}

static void process_segment(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    struct tcphs_arrival a;
    const struct tcphs_processing p = { c, s, &a, o, &c->end[s->from], &c->end[!s->from] };
    *o = (struct tcphs_outcome){
        .frame = s->frame, .time_synack = -1, .time_ack = -1, .time_setup = -1, .waited = -1, .rst_idle = -1
    };
    tcphs_arrival_init(&a, c, s);
    const bool proves = a.refusal != TCPHS_REFUSED_FOR_SIGNATURE;
    const bool outlives = proves && tcphs_outlives_own_rst(&a);
    const uint32_t assumed_open = c->assumed_open_frame;
    if (proves)
        tcphs_revise_beliefs(&p, &a);
    const bool opened = c->assumed_open_frame != assumed_open && c->assumed_open_frame == s->frame;
    if (opened && a.accepted == TCPHS_ACCEPT_YES)
        a.accepted = TCPHS_ACCEPT_UNKNOWN; /* by numbers that are its own word */
    const enum tcphs_stage before = tcphs_connection_stage(c);
    const bool was_syn_received = p.y->state == TCPHS_SYN_RECEIVED;
    tcphs_check_all(p.a, o);
    o->accepted = a.accepted;
    tcphs_learn_timestamp(&p);
    process(&p);
    if (outlives)
        c->rst_sender_went_on = true;
    settle_suspicions(&p);
    emit_milestones(&p, before, was_syn_received);
    remember_sender(&p);
    o->back = o->back == TCPHS_UNNUMBERED_FRAME ? 0 : o->back;
    if (o->back == 0)
        o->backward = (struct tcphs_findings){ { 0 } };
    tcphs_outcome_of_state(c, o);
}

/*
 * What a socket sends to itself it also hears from itself: a simultaneous open with equal numbers, and so on. Both ends
 * are one socket; what the first of two steps tells is kept, but for the milestones that the second one reaches.
 */
static void process_at_itself(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    const uint16_t syns = c->syn_count, syn_acks = c->synack_count;
    struct tcphs_segment heard = *s;
    struct tcphs_outcome second;
    heard.from = !s->from;
    process_segment(c, &heard, &second);
    tcphs_transition(&c->end[heard.from], tcphs_resumes(c->end[s->from].state));
    c->syn_count = syns;
    c->synack_count = syn_acks;
    for (unsigned i = tcphs_findings_next(&second.findings, 0); i != 0; i = tcphs_findings_next(&second.findings, i))
        if (!tcphs_findings_has(&tcphs_anomalies, i))
            tcphs_findings_add(&o->findings, i);
    o->close_steps |= second.close_steps;
    o->event = o->event ? o->event : second.event;
    o->time_setup = o->time_setup < 0 ? second.time_setup : o->time_setup;
    tcphs_outcome_of_state(c, o);
}

/* The links that the segment has pointed elsewhere than to itself. */
static void emit_changed_links(const uint32_t *before, struct tcphs_outcome *o)
{
    for (unsigned i = 0; i < TCPHS_LINKS; i++)
        if (before[i] != o->links[i] && (before[i] != 0 || o->links[i] != o->frame)) {
            o->links_changed |= (uint8_t)(1u << i);
            o->links_before[i] = before[i];
        }
}

void tcphs_connection_segment(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    uint32_t links[TCPHS_LINKS];
    memcpy(links, c->links, sizeof links);
    process_segment(c, s, o);
    if (s->to_itself)
        process_at_itself(c, s, o);
    emit_changed_links(links, o);
}

void tcphs_connection_icmp(struct tcphs_connection *c, uint32_t frame, unsigned from)
{
    if (c->icmp_frame == 0 && c->end[from].state == TCPHS_SYN_SENT)
        c->icmp_frame = frame;
}

void tcphs_connection_forget_frame(struct tcphs_connection *c, uint32_t frame)
{
    for (unsigned i = 0; i < TCPHS_LINKS; i++)
        if (c->links[i] == frame)
            c->links[i] = 0;
    uint32_t *const shown[] = { &c->established_frame, &c->end_frame, &c->icmp_frame };
    for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (*shown[i] == frame)
            *shown[i] = 0;
    uint32_t *const remembered[] = {
        &c->rst_frame,
        &c->burst_frame,
        &c->early_data_frame,
        &c->inferred_synack_frame,
        &c->assumed_open_frame,
        &c->retry_frame,
        &c->alternatives[0].frame,
        &c->alternatives[1].frame,
        &c->end[0].unseen_ack_frame,
        &c->end[1].unseen_ack_frame,
        &c->end[0].foreign_frame,
        &c->end[1].foreign_frame,
        &c->end[0].challenge_frame,
        &c->end[1].challenge_frame,
    };
    for (unsigned i = 0; i < sizeof remembered / sizeof remembered[0]; i++)
        if (*remembered[i] == frame)
            *remembered[i] = TCPHS_UNNUMBERED_FRAME;
}
