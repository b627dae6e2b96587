/* connection.c
 * Moves one connection by one segment: judge it (view.c), name what is wrong (checks.c), then let both ends' machines
 * (machine.c) and numbers follow. The observer's creed: what was captured and is acceptable counts as heard at once,
 * until a later segment contradicts it; what its receiver would drop moves nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "connection.h"

#include <string.h>

#include "belief.h"
#include "checks.h"
#include "move.h"

void tcphs_connection_init(struct tcphs_connection *c, const struct tcphs_connection *previous)
{
    memset(c, 0, sizeof *c);
    c->end[0].state = c->end[1].state = TCPHS_UNKNOWN;
    c->client = c->first_closer = TCPHS_NO_CLIENT;
    c->round_trip = -1;
    if (previous)
        c->facts = TCPHS_IS_SUCCESSOR;
}

enum tcphs_stage tcphs_connection_stage(const struct tcphs_connection *c)
{
    const struct tcphs_end *a = &c->end[0], *b = &c->end[1];
    const uint32_t both = a->known & b->known, either = a->known | b->known;
    if (c->facts & TCPHS_IS_RESET)
        return TCPHS_STAGE_RESET;
    if ((both & TCPHS_FIN_SENT) && (both & TCPHS_FIN_ACKED))
        return TCPHS_STAGE_CLOSED;
    if (either & TCPHS_FIN_SENT)
        return TCPHS_STAGE_CLOSING;
    if (c->facts & TCPHS_MIDSTREAM_START)
        return TCPHS_STAGE_MIDSTREAM;
    if (tcphs_is_synchronised(a->state) && tcphs_is_synchronised(b->state))
        return TCPHS_STAGE_ESTABLISHED;
    if ((either & TCPHS_SENT_SYN_ACK) || a->state == TCPHS_SYN_RECEIVED || b->state == TCPHS_SYN_RECEIVED)
        return TCPHS_STAGE_SYN_RECEIVED;
    return (either & TCPHS_SENT_SYN) ? TCPHS_STAGE_SYN_SENT : TCPHS_STAGE_NONE;
}

/* The client's segment that made both ends synchronised: step 3, or a SYN-ACK of a simultaneous open. */
static void tell_established(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    c->facts |= TCPHS_WAS_ESTABLISHED;
    c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
    c->established_frame = m->s->frame;
    if (!(c->facts & TCPHS_HAD_OPENED))
        m->o->event = TCPHS_EVENT_ESTABLISHED;
    c->facts |= TCPHS_HAD_OPENED;
    if (c->syn_count > 0 && m->s->time >= c->first_syn_time) {
        m->o->time_setup = m->s->time - c->first_syn_time;
        c->round_trip = m->s->time - c->last_syn_time;
    }
}

static void tell_step_3(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    m->o->step = 3;
    tcphs_tell_due(m, m->s->ack);
    tcphs_tell_counts(m);
    tcphs_tell_options(m);
    tcphs_link_first(m, TCPHS_LINK_ACK);
    c->facts &= ~(uint32_t)TCPHS_REPEATED_SYN_ACK;
    if (m->s->time >= c->last_synack_time)
        m->o->time_ack = m->s->time - c->last_synack_time;
    tcphs_learn_loop(m->x, m->o->time_ack);
}

/* The same final ACK again, in answer to a repeated SYN-ACK. */
static bool repeats_final_ack(const struct tcphs_move *m)
{
    return (m->c->facts & TCPHS_REPEATED_SYN_ACK) && tcphs_is_pure_ack(m->s) && tcphs_knows(m->y, TCPHS_SENT_SYN_ACK) &&
           m->s->ack == m->y->iss + 1 && m->s->seq == m->x->iss + 1;
}

/* The final ACK itself was captured ahead of the SYN-ACK, and could not be checked: the next one like it can. */
static bool is_checked_final_ack(const struct tcphs_move *m)
{
    return (m->x->beliefs & TCPHS_AHEAD_OF_SYN_ACK) && m->v->kind == TCPHS_KIND_ORDINARY &&
           m->s->ack == m->y->iss + 1 && m->s->seq == m->x->iss + 1;
}

static void tell_milestones(const struct tcphs_move *m, enum tcphs_stage before, bool was_syn_received)
{
    struct tcphs_connection *c = m->c;
    const enum tcphs_stage now = tcphs_connection_stage(c);
    const bool open_now = tcphs_is_synchronised(c->end[0].state) && tcphs_is_synchronised(c->end[1].state) &&
                          !(c->facts & TCPHS_MIDSTREAM_START);
    const bool answered = was_syn_received && m->y->state != TCPHS_SYN_RECEIVED && m->v->kind == TCPHS_KIND_ORDINARY &&
                          tcphs_knows(m->y, TCPHS_SENT_SYN_ACK);
    const bool is_final_ack = m->v->kind == TCPHS_KIND_ORDINARY && (repeats_final_ack(m) || is_checked_final_ack(m));
    if ((answered && !(c->facts & TCPHS_WAS_ESTABLISHED)) || is_final_ack)
        tell_step_3(m);
    if (m->v->kind == TCPHS_KIND_ORDINARY)
        m->x->beliefs &= ~(uint32_t)TCPHS_AHEAD_OF_SYN_ACK;
    if (open_now && !(c->facts & TCPHS_WAS_ESTABLISHED))
        tell_established(m);
    if (now == before || (now != TCPHS_STAGE_CLOSED && now != TCPHS_STAGE_RESET))
        return;
    c->end_frame = m->s->frame;
    const bool was_open = (c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) != 0;
    if (was_open && !(c->facts & TCPHS_HAD_ENDED)) {
        c->facts |= TCPHS_HAD_ENDED;
        m->o->event = TCPHS_EVENT_ENDED;
    } else if (!was_open && !(c->facts & TCPHS_HAD_FAILED) && c->syn_count > 0) {
        c->facts |= TCPHS_HAD_FAILED;
        m->o->event = TCPHS_EVENT_FAILED;
    }
}

void tcphs_connection_look(const struct tcphs_connection *c, struct tcphs_outcome *o)
{
    memset(o, 0, sizeof *o);
    o->time_synack = o->time_ack = o->time_setup = o->waited = o->rst_idle = -1;
    o->stage = (uint8_t)tcphs_connection_stage(c);
    o->client = c->client;
    o->assumed = (c->facts & TCPHS_ASSUMED) != 0;
    memcpy(o->links, c->links, sizeof o->links);
    for (unsigned i = 0; i < 2; i++) {
        const struct tcphs_end *y = &c->end[!i];
        o->state[i] = c->end[i].state;
        o->usual[i] = tcphs_knows(y, TCPHS_KNOWS_HEARD) && tcphs_is_synchronised(y->state) ? TCPHS_ACCEPT_YES
                                                                                           : TCPHS_ACCEPT_UNKNOWN;
    }
}

/* An earlier segment is at fault by its sequence number: what it stood at, and what would have been right. */
static void tell_earlier_numbers(const struct tcphs_view *v, struct tcphs_outcome *o)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    if (o->back == 0)
        return;
    const uint32_t start_x = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : 0;
    const uint32_t start_y = tcphs_knows(y, TCPHS_KNOWS_ISS) ? y->iss : 0;
    if (o->back == y->provoked_frame && (y->beliefs & (TCPHS_PROVOKED_BY_ACK | TCPHS_PROVOKED_BY_DATA))) {
        o->seq_seen = y->provoked_seq - start_y;
        o->seq_due = x->rcv_nxt - start_y;
        o->ack_seen = o->ack_due; /* which was right */
    } else if (o->back == x->provoked_frame || o->back == x->other_frame) {
        o->seq_seen = (o->back == x->other_frame ? x->other_iss : x->provoked_seq) - start_x;
        o->seq_due = v->s->seq - start_x;
    } else if (o->back == v->c->opening_frame) {
        const struct tcphs_end *e = (x->beliefs & TCPHS_OPENED_UNSEEN) ? x : y;
        o->seq_seen = e->snd_nxt - e->iss - (tcphs_knows(e, TCPHS_FIN_SENT) ? 1 : 0);
        o->seq_due = 1;
    }
}

/* The pairs of numbers that explain a finding: what was seen and what was due, from the start where it is known. */
static void tell_numbers(const struct tcphs_view *v, struct tcphs_outcome *o)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const bool refuses_stray = tcphs_has_stray(y) && o->back == y->other_frame;
    const bool proves_earlier = refuses_stray || (y->claim_frame != 0 && o->back == y->claim_frame);
    const struct tcphs_end *sender = proves_earlier ? x : y; /* of the bytes that are acknowledged */
    const uint32_t ack_start = tcphs_knows(sender, TCPHS_KNOWS_ISS) ? sender->iss : 0;
    const uint32_t seq_start = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : 0;
    uint32_t seq_due = tcphs_knows(y, TCPHS_KNOWS_HEARD) ? y->rcv_nxt : x->snd_nxt;
    if (v->kind == TCPHS_KIND_SYN_ACK || (v->kind == TCPHS_KIND_SYN && y->state != TCPHS_TIME_WAIT))
        seq_due = tcphs_knows(x, TCPHS_KNOWS_ISS) ? x->iss : seq_due;
    else if (tcphs_knows(x, TCPHS_FIN_SENT) && v->kind == TCPHS_KIND_ORDINARY)
        seq_due = x->fin_seq;
    const uint32_t earlier = refuses_stray ? y->other_end : y->claim_ack;
    o->ack_seen = (proves_earlier ? earlier : v->s->ack) - ack_start;
    o->ack_due = (proves_earlier ? x->snd_nxt : tcphs_due_ack(v)) - ack_start;
    o->seq_seen = v->s->seq - seq_start;
    o->seq_due = seq_due - seq_start;
    if (v->kind == TCPHS_KIND_RST && !tcphs_has_any(v->s, TCPHS_ACK) && !proves_earlier)
        o->ack_seen = o->ack_due; /* it has no acknowledgment that could be wrong */
    tell_earlier_numbers(v, o);
    const bool withstands_rst = tcphs_knows(y, TCPHS_PROVOKED_BY_RST) && o->back == y->provoked_frame;
    const bool outlived = o->back == v->c->rst_frame && v->c->rst_doubtful;
    if (refuses_stray || withstands_rst || outlived) {
        const uint32_t start = tcphs_knows(y, TCPHS_KNOWS_ISS) ? y->iss : 0;
        const uint32_t at = refuses_stray ? y->other_iss : outlived ? v->c->rst_seq : v->c->burst_seq;
        o->seq_seen = at - start;
        o->seq_due = x->rcv_nxt - start;
    }
}

static void move(const struct tcphs_move *m)
{
    switch ((enum tcphs_kind)m->v->kind) {
    case TCPHS_KIND_RST:
        tcphs_move_by_rst(m);
        break;
    case TCPHS_KIND_SYN:
        tcphs_move_by_syn(m);
        break;
    case TCPHS_KIND_SYN_ACK:
        tcphs_move_by_syn_ack(m);
        break;
    case TCPHS_KIND_ORDINARY:
        tcphs_move_by_ordinary(m);
        break;
    case TCPHS_KIND_BARE:
        break;
    }
}

/* The server goes on behind the handshake, or ends it; a bare ACK of the SYN alone can be of one that waits for it. */
static bool shows_ack_taken(const struct tcphs_move *m)
{
    if (!tcphs_knows(m->x, TCPHS_SENT_SYN_ACK) || m->v->accepted == TCPHS_ACCEPT_NO)
        return false;
    const bool is_waiting = tcphs_is_pure_ack(m->s) && m->s->ack == m->y->iss + 1;
    return m->v->kind == TCPHS_KIND_RST || (m->v->kind == TCPHS_KIND_ORDINARY && !is_waiting);
}

/* Suspicions that this segment settles, one way or the other. */
static void settle(const struct tcphs_move *m, uint64_t findings)
{
    const uint64_t refuted = TCPHS_FINDING_BIT(TCPHS_FINDS_ack_unsent) | TCPHS_FINDING_BIT(TCPHS_FINDS_final_ack_bad) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_ack_in_syn_sent);
    if ((findings & refuted) && m->x->claim_frame != m->s->frame)
        tcphs_drop_claim(m);
    const uint64_t refused = TCPHS_FINDING_BIT(TCPHS_FINDS_syn_in_connection) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_reuse_too_early) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_synack_changed) | TCPHS_FINDING_BIT(TCPHS_FINDS_ack_unsent) |
                             TCPHS_FINDING_BIT(TCPHS_FINDS_seq_beyond_window);
    if ((findings & refused) && m->v->kind == TCPHS_KIND_ORDINARY && m->o->back == m->y->other_frame) {
        m->y->other_frame = 0;
        m->y->known |= tcphs_knows(m->y, TCPHS_OTHER_IS_STRAY) ? 0 : TCPHS_SYN_REFUSED;
    }
    const bool answers = m->v->kind == TCPHS_KIND_ORDINARY ||
                         (m->v->kind == TCPHS_KIND_SYN_ACK && (m->y->beliefs & TCPHS_PROVOKED_BY_ACK));
    if (answers && m->y->provoked_frame != 0)
        tcphs_forget_provocation(m->y);
    if ((findings & TCPHS_FINDING_BIT(TCPHS_FINDS_seq_beyond_window)) && m->o->back == m->x->provoked_frame &&
        m->o->back != 0)
        tcphs_forget_provocation(m->x);
    if ((findings & TCPHS_FINDING_BIT(TCPHS_FINDS_final_ack_bad)) && m->x->state == TCPHS_SYN_RECEIVED)
        m->c->facts |= TCPHS_BAD_FINAL_ACK;
    if (findings & TCPHS_FINDING_BIT(TCPHS_FINDS_ack_in_syn_sent))
        m->c->facts |= TCPHS_CHALLENGED;
    if (findings & TCPHS_FINDING_BIT(TCPHS_FINDS_synack_repeated))
        m->c->facts |= TCPHS_ACK_NOT_TAKEN;
    else if (shows_ack_taken(m))
        m->c->facts &= ~(uint32_t)TCPHS_ACK_NOT_TAKEN;
    if (findings & TCPHS_FINDING_BIT(TCPHS_FINDS_timestamp_missing))
        m->x->beliefs |= TCPHS_TS_WAS_MISSING;
    if (m->c->early_frame != m->s->frame && tcphs_is_synchronised(m->y->state) && m->c->client == m->s->from)
        m->c->early_frame = 0;
}

void tcphs_find(const struct tcphs_move *m)
{
    struct tcphs_found found_now;
    const uint64_t found = tcphs_check_all(m->v, &found_now);
    m->o->findings |= found;
    if (m->o->back == 0)
        m->o->back = found_now.back;
    if (found_now.back == m->o->back)
        m->o->backward |= found_now.backward;
    if (found)
        tell_numbers(m->v, m->o);
}

static void note_sender(const struct tcphs_move *m)
{
    if (m->v->accepted != TCPHS_ACCEPT_NO)
        tcphs_note_fit(m);
    if (m->v->accepted != TCPHS_ACCEPT_NO && m->v->kind != TCPHS_KIND_RST)
        tcphs_learn_hops(m);
    if (m->v->accepted != TCPHS_ACCEPT_NO)
        m->y->beliefs &= ~(uint32_t)TCPHS_OPENED_UNSEEN; /* the other end agrees */
    if (m->v->kind == TCPHS_KIND_ORDINARY)
        m->x->beliefs |= TCPHS_SENT_ORDINARY;
    if (m->v->accepted != TCPHS_ACCEPT_NO && (m->s->options & TCPHS_SIGNATURES) && !tcphs_is_opened_unsigned(m->c))
        m->x->beliefs |= TCPHS_SIGNS;
    m->x->known |= TCPHS_SENT_ANYTHING;
    if (m->v->kind != TCPHS_KIND_BARE)
        m->c->facts |= TCPHS_FIRST_PASSED;
    m->c->last_time = m->s->time;
}

/* What is shown of every segment: the connection as it stands behind it. */
static void show_standing(const struct tcphs_connection *c, struct tcphs_outcome *o)
{
    struct tcphs_outcome standing;
    tcphs_connection_look(c, &standing);
    o->stage = standing.stage;
    o->client = standing.client;
    o->assumed = standing.assumed;
    memcpy(o->state, standing.state, sizeof o->state);
    memcpy(o->usual, standing.usual, sizeof o->usual);
    memcpy(o->links, standing.links, sizeof o->links);
}

static void feed(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    struct tcphs_view v;
    const struct tcphs_move m = { c, s, &v, o, &c->end[s->from], &c->end[!s->from] };
    *o = (struct tcphs_outcome){
        .frame = s->frame, .time_synack = -1, .time_ack = -1, .time_setup = -1, .waited = -1, .rst_idle = -1
    };
    tcphs_view_init(&v, c, s);
    const bool outlives = tcphs_outlives_own_rst(&v);
    const uint32_t opening = c->opening_frame;
    tcphs_revise_beliefs(&m, &v);
    const bool opened = c->opening_frame != opening && c->opening_frame == s->frame;
    if (opened && v.accepted == TCPHS_ACCEPT_YES)
        v.accepted = TCPHS_ACCEPT_UNKNOWN; /* by numbers that are its own word */
    const enum tcphs_stage before = tcphs_connection_stage(c);
    const bool was_syn_received = m.y->state == TCPHS_SYN_RECEIVED;
    tcphs_find(&m);
    o->accepted = v.accepted;
    tcphs_learn_timestamp(&m);
    move(&m);
    if (outlives)
        c->rst_sender_went_on = true;
    settle(&m, o->findings);
    tell_milestones(&m, before, was_syn_received);
    note_sender(&m);
    o->back = o->back == TCPHS_NAMELESS_FRAME ? 0 : o->back;
    o->backward = o->back == 0 ? 0 : o->backward;
    show_standing(c, o);
}

/*
 * What a socket sends to itself it also hears from itself: a simultaneous open with equal numbers, and so on. Both ends
 * are one socket; what the first of two steps tells is kept, but for the milestones that the second one reaches.
 */
static void hear_itself(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    const uint16_t syns = c->syn_count, syn_acks = c->synack_count;
    struct tcphs_segment heard = *s;
    struct tcphs_outcome second;
    heard.from = !s->from;
    feed(c, &heard, &second);
    c->end[heard.from].state = c->end[s->from].state;
    c->syn_count = syns;
    c->synack_count = syn_acks;
    o->findings |= second.findings & ~TCPHS_ANOMALIES;
    o->close_steps |= second.close_steps;
    o->event = o->event ? o->event : second.event;
    o->time_setup = o->time_setup < 0 ? second.time_setup : o->time_setup;
    show_standing(c, o);
}

/* The links that the segment has pointed elsewhere than to itself. */
static void show_changed_links(const uint32_t *before, struct tcphs_outcome *o)
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
    feed(c, s, o);
    if (s->to_itself)
        hear_itself(c, s, o);
    show_changed_links(links, o);
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
        &c->rst_frame,          &c->burst_frame,           &c->early_frame,
        &c->inferred_frame,     &c->opening_frame,      &c->retry_frame,           &c->rivals[0].frame, &c->rivals[1].frame,
        &c->end[0].claim_frame, &c->end[1].claim_frame,    &c->end[0].other_frame,
        &c->end[1].other_frame, &c->end[0].provoked_frame, &c->end[1].provoked_frame,
    };
    for (unsigned i = 0; i < sizeof remembered / sizeof remembered[0]; i++)
        if (*remembered[i] == frame)
            *remembered[i] = TCPHS_NAMELESS_FRAME;
}
