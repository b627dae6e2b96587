/* belief.c
 * What the observer believes without proof, each belief with what confirms or refutes it and what is then done: that a
 * SYN-ACK was heard, which of several SYN-ACKs counts, that a handshake was completed unseen, that a FIN or bytes were
 * sent unseen, that a RST ended the connection.
 * The segment that decides is held against the beliefs before it moves anything. What moves without doubt is elsewhere.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "belief.h"

#include "checks.h"
#include "seq.h"

/* A SYN-ACK, or a SYN, that is not answered is sent again after this (RFC 6298 2.1): whoever is silent for longer has
 * had its answer, captured or not. */
#define FIRST_RETRY TCPHS_SECOND

/* The SYN-ACK was heard --------------------------------------------------------------------------------------- */

/* x sends its SYN again, and has sent nothing that only an answer to it allows. */
static bool repeats_unheard_syn(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_SYN && v->x->state == TCPHS_ESTABLISHED && tcphs_knows(v->x, TCPHS_SENT_SYN) &&
           !(v->x->beliefs & TCPHS_SENT_ORDINARY) && tcphs_repeats_syn(v) && tcphs_knows(v->y, TCPHS_SENT_SYN_ACK) &&
           tcphs_connection_stage(v->c) == TCPHS_STAGE_SYN_RECEIVED && v->s->time >= v->c->last_synack_time;
}

static void take_back_syn_ack(const struct tcphs_move *m)
{
    tcphs_act(m->x, TCPHS_MISSED_SYN_ACK);
}

/* x, whose SYN-ACK was taken back, goes on behind it: the SYN that came again was a late one after all. */
static bool goes_on_behind_syn_ack(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_ORDINARY && v->y->state == TCPHS_SYN_SENT && tcphs_knows(v->x, TCPHS_SENT_SYN_ACK) &&
           tcphs_acks_syn(v) && v->s->seq == v->x->iss + 1;
}

static void believe_syn_ack_heard(const struct tcphs_move *m)
{
    tcphs_act(m->y, TCPHS_HEARS_SYN_ACK);
}

/* The SYN-ACK was not captured -------------------------------------------------------------------------------- */

/* It comes at last: the capture took it behind the ACK that answers it, as captures of several queues do. */
static bool is_late_syn_ack(const struct tcphs_view *v)
{
    return v->kind == TCPHS_KIND_SYN_ACK && v->c->inferred_frame != 0 &&
           !(v->x->known & (TCPHS_SENT_SYN_ACK | TCPHS_SENT_SYN)) && v->s->seq == v->x->iss && tcphs_acks_syn(v) &&
           tcphs_connection_stage(v->c) == TCPHS_STAGE_ESTABLISHED;
}

static void take_late_syn_ack(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x;
    tcphs_learn_syn_options(m);
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN_ACK;
    if (!tcphs_knows(x, TCPHS_KNOWS_WINDOW))
        tcphs_learn_window(m, m->s->window);
    if (!(x->beliefs & TCPHS_SENT_ORDINARY)) { /* nothing was missing */
        c->facts &= ~(uint32_t)(TCPHS_GAPS | TCPHS_ASSUMED);
        m->y->beliefs |= TCPHS_AHEAD_OF_SYN_ACK;
    }
    tcphs_change_link(c, TCPHS_LINK_ACK, c->inferred_frame);
    c->inferred_frame = 0;
}

/* Which of several SYN-ACKs ----------------------------------------------------------------------------------- */

struct tcphs_rival *tcphs_find_rival(struct tcphs_connection *c, uint32_t iss)
{
    for (int i = 0; i < TCPHS_RIVALS; i++)
        if (c->rivals[i].frame != 0 && c->rivals[i].iss == iss)
            return &c->rivals[i];
    return NULL;
}

bool tcphs_is_known_rival(const struct tcphs_view *v)
{
    for (int i = 0; i < TCPHS_RIVALS; i++)
        if (v->c->rivals[i].frame != 0 && v->c->rivals[i].iss == v->s->seq)
            return true;
    return false;
}

static void keep_rival(struct tcphs_connection *c, const struct tcphs_rival *kept)
{
    struct tcphs_rival *r = tcphs_find_rival(c, kept->iss);
    if (r == NULL)
        r = c->rivals[0].frame == 0 || c->rivals[0].time <= c->rivals[1].time ? &c->rivals[0] : &c->rivals[1];
    if (c->rivals[1].frame == 0 && r->frame != 0 && r->iss != kept->iss)
        r = &c->rivals[1];
    *r = *kept;
}

void tcphs_keep_rival(const struct tcphs_move *m)
{
    const struct tcphs_segment *s = m->s;
    const struct tcphs_rival kept = { .time = s->time,
                                      .iss = s->seq,
                                      .frame = s->frame,
                                      .window = s->window,
                                      .options = tcphs_offer_of(s),
                                      .mss = s->mss,
                                      .wscale = s->wscale };
    keep_rival(m->c, &kept);
}

void tcphs_keep_taken_syn_ack(struct tcphs_connection *c, const struct tcphs_end *server)
{
    const struct tcphs_rival kept = {
        .time = c->last_synack_time,
        .iss = server->iss,
        .frame = c->links[TCPHS_LINK_SYNACK] ? c->links[TCPHS_LINK_SYNACK] : TCPHS_NAMELESS_FRAME,
        .window = server->max_window > UINT16_MAX ? UINT16_MAX : (uint16_t)server->max_window,
        .options = tcphs_knows(server, TCPHS_SAW_SYN_OPTIONS) ? server->offered : TCPHS_OPTIONS_CUT,
        .mss = server->mss,
        .wscale = server->wscale_offered,
    };
    keep_rival(c, &kept);
}

/* The other SYN-ACK of this server, not yet gone on with, that the number continues; NULL when none does. */
static const struct tcphs_rival *continued_rival(const struct tcphs_connection *c, const struct tcphs_end *server,
                                                 uint32_t number)
{
    if (server->state != TCPHS_SYN_RECEIVED || !tcphs_knows(server, TCPHS_SENT_SYN_ACK) ||
        tcphs_knows(server, TCPHS_ANSWERED_SYN_ACK) || number == server->iss + 1)
        return NULL;
    for (int i = 0; i < TCPHS_RIVALS; i++)
        if (c->rivals[i].frame != 0 && tcphs_seq_follows(number, c->rivals[i].iss + 1, UINT16_MAX))
            return &c->rivals[i];
    return NULL;
}

/* The client acknowledges another SYN-ACK than the one that was believed, or the server goes on behind it. */
static const struct tcphs_rival *chosen_rival(const struct tcphs_view *v)
{
    if (v->kind != TCPHS_KIND_ORDINARY)
        return NULL;
    const bool by_client = tcphs_knows(v->x, TCPHS_KNOWS_ISS) && tcphs_seq_follows(v->s->seq, v->x->iss + 1, UINT16_MAX);
    const struct tcphs_rival *r = by_client ? continued_rival(v->c, v->y, v->s->ack) : NULL;
    return r == NULL && tcphs_acks_syn(v) ? continued_rival(v->c, v->x, v->s->seq) : r;
}

static bool chooses_rival(const struct tcphs_view *v)
{
    return chosen_rival(v) != NULL;
}

static void take_rival(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    const struct tcphs_rival taken = *chosen_rival(m->v);
    const bool by_client = continued_rival(c, m->y, m->s->ack) != NULL;
    struct tcphs_end *server = by_client ? m->y : m->x, *client = by_client ? m->x : m->y;
    tcphs_keep_taken_syn_ack(c, server);
    const struct tcphs_segment syn_ack = { .flags = tcphs_ecn_bits_of(taken.options),
                                           .options = tcphs_options_of(taken.options),
                                           .mss = taken.mss,
                                           .wscale = taken.wscale };
    server->known &= ~(uint32_t)(TCPHS_SAW_SYN_OPTIONS | TCPHS_OFFERED_SCALE | TCPHS_ASKED_FASTOPEN);
    tcphs_learn_offer(server, &syn_ack);
    tcphs_note_offer(server, &syn_ack);
    tcphs_agree(c, server, client);
    server->ts_sent = client->ts_recent = 0; /* what it carried is not kept */
    server->iss = taken.iss;
    server->max_window = taken.window;
    tcphs_learn_sent(server, taken.iss, taken.iss + 1);
    tcphs_learn_heard(client, taken.iss + 1);
    tcphs_act(client, TCPHS_HEARS_SYN_ACK);
    server->rcv_edge = server->rcv_nxt + server->max_window;
    client->claim_frame = 0;
    c->last_synack_time = taken.time;
    if ((by_client ? m->s->ack : m->s->seq) != taken.iss + 1) /* what lies between was not captured */
        tcphs_assume(c);
    tcphs_change_link(c, TCPHS_LINK_SYNACK, taken.frame);
}

/* The handshake was completed unseen -------------------------------------------------------------------------- */

/* Neither end has sent anything but SYN, SYN-ACK and RST: nothing speaks against a capture of such segments alone. */
static bool only_handshake_seen(const struct tcphs_view *v)
{
    return !((v->x->beliefs | v->y->beliefs) & TCPHS_SENT_ORDINARY) &&
           tcphs_knows(v->x, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT | TCPHS_KNOWS_HEARD) &&
           tcphs_knows(v->y, TCPHS_KNOWS_ISS | TCPHS_KNOWS_SENT | TCPHS_KNOWS_HEARD);
}

/*
 * The third step, and perhaps all that followed it, was not captured: a segment beyond what both were seen to send shows
 * that they were synchronised. With both numbers beyond it is plain; with one of them only if the other fits and the
 * SYN-ACK was not sent again when it should have been, or if a RST is at the right place: one whose sender has heard no
 * more than the handshake would acknowledge less. An ordinary segment without FIN must lie beyond in both.
 */
static bool opens_unseen(const struct tcphs_view *v)
{
    const struct tcphs_end *x = v->x, *y = v->y;
    const bool is_rst = v->kind == TCPHS_KIND_RST && !tcphs_has_any(v->s, TCPHS_SYN) &&
                        y->state != TCPHS_SYN_SENT && !tcphs_refuses_other_syn(v);
    if ((v->kind != TCPHS_KIND_ORDINARY && !is_rst) || !only_handshake_seen(v) ||
        tcphs_connection_stage(v->c) != TCPHS_STAGE_SYN_RECEIVED)
        return false;
    if (!tcphs_knows(x, TCPHS_SENT_SYN_ACK) == !tcphs_knows(y, TCPHS_SENT_SYN_ACK)) /* a simultaneous open */
        return false;
    const bool has_ack = tcphs_has_any(v->s, TCPHS_ACK);
    const uint32_t ahead = v->s->seq - x->snd_nxt, acked = has_ack ? v->s->ack - y->snd_nxt : 0;
    if (ahead > tcphs_reach(v, x) || acked > tcphs_reach(v, y))
        return false;
    if (ahead > 0 && acked > 0)
        return true;
    if (is_rst && ahead == 0 && acked > 0)
        return true;
    const bool quiet = v->s->time - v->c->last_synack_time > FIRST_RETRY;
    return quiet && (ahead > 0 || acked > 0) && (is_rst || tcphs_has_any(v->s, TCPHS_FIN));
}

static void stand_at(struct tcphs_end *e, struct tcphs_end *peer, uint32_t next)
{
    const uint32_t window = peer->max_window;
    tcphs_learn_sent(e, next, next);
    tcphs_learn_heard(peer, next);
    peer->rcv_edge = next + window;
}

static void assume_opening(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *x = m->x, *y = m->y;
    const bool has_ack = tcphs_has_any(m->s, TCPHS_ACK);
    const uint32_t acked = has_ack ? m->s->ack : y->snd_nxt;
    tcphs_assume(c);
    c->facts |= TCPHS_GAPS | TCPHS_WAS_ESTABLISHED;
    c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
    c->established_frame = m->s->frame;
    if (!(c->facts & TCPHS_HAD_OPENED))
        m->o->event = TCPHS_EVENT_ESTABLISHED;
    c->facts |= TCPHS_HAD_OPENED;
    x->known |= m->s->seq != x->iss + 1 ? TCPHS_DATA_ACKED : 0;
    y->known |= acked != y->iss + 1 ? TCPHS_DATA_ACKED : 0;
    stand_at(x, y, m->s->seq);
    stand_at(y, x, acked);
    for (int i = 0; i < 2; i++) {
        tcphs_act(&c->end[i], TCPHS_HEARS_SYN_ACK);
        tcphs_act(&c->end[i], TCPHS_HEARS_ACK_OF_SYN);
    }
    x->beliefs |= TCPHS_OPENED_UNSEEN;
    c->opening_frame = m->s->frame;
}

/* The handshake goes on where it stood: the segment that seemed to come after it was none of this connection. */
bool tcphs_contradicts_opening(const struct tcphs_view *v)
{
    if (v->c->opening_frame == 0 || !((v->x->beliefs | v->y->beliefs) & TCPHS_OPENED_UNSEEN) ||
        v->s->time < v->c->last_time)
        return false;
    if (v->kind == TCPHS_KIND_SYN_ACK)
        return tcphs_knows(v->x, TCPHS_SENT_SYN_ACK) && v->s->seq == v->x->iss && v->s->ack == v->y->iss + 1;
    if (v->kind == TCPHS_KIND_SYN)
        return tcphs_knows(v->x, TCPHS_SENT_SYN) && v->s->seq == v->x->iss;
    return v->kind == TCPHS_KIND_ORDINARY && v->s->seq == v->x->iss + 1 && v->s->ack == v->y->iss + 1 &&
           !tcphs_has_any(v->s, TCPHS_FIN);
}

static void back_to_handshake(struct tcphs_end *e)
{
    const unsigned later = TCPHS_FIN_SENT | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED | TCPHS_FIN_ASSUMED |
                           TCPHS_FIN_REPEATED | TCPHS_DATA_ACKED | TCPHS_CLAIM_HAS_FIN | TCPHS_HELD_OVERFLOW |
                           TCPHS_ANSWERED_SYN_ACK;
    e->known &= ~(uint32_t)later;
    e->beliefs &= ~(uint32_t)(TCPHS_OPENED_UNSEEN | TCPHS_SENT_ORDINARY);
    e->claim_frame = e->other_frame = e->provoked_frame = 0;
    e->ts_recent = e->ts_sent = 0;
    memset(e->held, 0, sizeof e->held);
}

static void take_back_opening(const struct tcphs_move *m)
{
    struct tcphs_connection *c = m->c;
    struct tcphs_end *server = tcphs_knows(m->x, TCPHS_SENT_SYN_ACK) ? m->x : m->y;
    struct tcphs_end *client = server == m->x ? m->y : m->x;
    for (int i = 0; i < 2; i++) {
        back_to_handshake(&c->end[i]);
        c->end[i].state = TCPHS_UNKNOWN;
    }
    stand_at(server, client, server->iss + 1);
    stand_at(client, server, client->iss + 1);
    tcphs_act(client, TCPHS_SENDS_SYN);
    tcphs_act(server, TCPHS_SENDS_SYN_ACK);
    tcphs_act(client, TCPHS_HEARS_SYN_ACK);
    c->facts &= ~(uint32_t)(TCPHS_WAS_ESTABLISHED | TCPHS_IS_RESET | TCPHS_GAPS | TCPHS_CROSSED_FINS |
                            TCPHS_FIN_BEFORE_RST);
    c->first_closer = TCPHS_NO_CLIENT;
    c->established_frame = c->end_frame = c->rst_frame = c->opening_frame = 0;
    tcphs_change_link(c, TCPHS_LINK_FIN, 0);
    tcphs_change_link(c, TCPHS_LINK_RST, 0);
}

/* All of them ------------------------------------------------------------------------------------------------- */

/* A belief, in the order in which a segment is held against them. accuses: what is wrong is named while it stands. */
static const struct {
    bool (*decided)(const struct tcphs_view *v);
    void (*revise)(const struct tcphs_move *m);
    bool accuses;
} beliefs[] = {
    { tcphs_contradicts_opening, take_back_opening, true },
    { tcphs_disproves_rst, tcphs_take_back_rst, true },
    { tcphs_overtakes_held_fin, tcphs_retract_held_fin, true },
    { repeats_unheard_syn, take_back_syn_ack, false },
    { goes_on_behind_syn_ack, believe_syn_ack_heard, false },
    { is_late_syn_ack, take_late_syn_ack, false },
    { chooses_rival, take_rival, false },
    { opens_unseen, assume_opening, false },
    { tcphs_contradicts_assumed_fin, tcphs_retract_assumed_fin, false },
    { tcphs_never_heard_assumed_fin, tcphs_retract_own_fin, false },
    { tcphs_resets_behind_unseen_fin, tcphs_assume_own_fin, false },
    { tcphs_confirms_gap, tcphs_confirm_gap, false },
};

void tcphs_revise_beliefs(const struct tcphs_move *m, struct tcphs_view *v)
{
    for (unsigned i = 0; i < sizeof beliefs / sizeof beliefs[0]; i++)
        if (beliefs[i].decided(v)) {
            if (beliefs[i].accuses)
                tcphs_find(m);
            beliefs[i].revise(m);
            tcphs_view_init(v, m->c, m->s);
        }
}
