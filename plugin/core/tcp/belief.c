/* belief.c
 * What the observer believes without proof, each belief with what confirms or refutes it and what is then done: that a
 * SYN-ACK was heard, which of several SYN-ACKs counts, that a handshake was completed unseen, that a FIN or bytes were
 * sent unseen, that a RST ended the connection.
 * The segment that decides is held against the beliefs before it is processed. What is certain is elsewhere.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/belief.h"

#include <string.h>

#include "findings/check.h"
#include "tcp/acceptability.h"
#include "tcp/ack.h"
#include "tcp/fin.h"
#include "tcp/gap.h"
#include "tcp/rst.h"
#include "tcp/sequence_space.h"
#include "tcp/suspicion.h"
#include "tcp/handshake_options.h"

/* A SYN-ACK, or a SYN, that is not answered is sent again after this (RFC 6298 2.1): whoever is silent for longer has
 * had its answer, captured or not. */
#define FIRST_RETRY TCPHS_SECOND

/* The SYN-ACK was heard --------------------------------------------------------------------------------------- */

/* x sends its SYN again, and has sent nothing that only an answer to it allows. */
static bool shows_syn_ack_unheard(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN && a->x->state == TCPHS_ESTABLISHED && tcphs_knows(a->x, TCPHS_SENT_SYN) &&
           !(a->x->beliefs & TCPHS_SENT_ACK) && tcphs_repeats_syn(a) && tcphs_knows(a->y, TCPHS_SENT_SYN_ACK) &&
           tcphs_connection_stage(a->c) == TCPHS_STAGE_SYN_RECEIVED && a->s->time >= a->c->last_synack_time;
}

static void retract_syn_ack_heard(const struct tcphs_processing *p)
{
    tcphs_transition(p->x, TCPHS_MISSED_SYN_ACK);
}

/* x, whose SYN-ACK was taken back, goes on behind it: the SYN that came again was a late one after all. */
static bool goes_on_behind_syn_ack(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_ACK && a->y->state == TCPHS_SYN_SENT && tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) &&
           tcphs_acks_syn(a) && a->s->seq == a->x->iss + 1;
}

static void believe_syn_ack_heard(const struct tcphs_processing *p)
{
    tcphs_transition(p->y, TCPHS_HEARS_SYN_ACK);
}

/* The SYN-ACK was not captured -------------------------------------------------------------------------------- */

/* It comes at last: the capture took it behind the ACK that answers it, as captures of several queues do. */
static bool is_late_syn_ack(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_SYN_ACK && a->c->inferred_synack_frame != 0 &&
           !(a->x->known & (TCPHS_SENT_SYN_ACK | TCPHS_SENT_SYN)) && a->s->seq == a->x->iss && tcphs_acks_syn(a) &&
           tcphs_connection_stage(a->c) == TCPHS_STAGE_ESTABLISHED;
}

static void take_late_syn_ack(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *x = p->x;
    tcphs_learn_syn_options(p);
    x->known |= TCPHS_KNOWS_ISS | TCPHS_SENT_SYN_ACK;
    if (!tcphs_knows(x, TCPHS_KNOWS_WINDOW))
        tcphs_learn_window(p, p->s->window);
    if (!(x->beliefs & TCPHS_SENT_ACK)) { /* nothing was missing */
        c->facts &= ~(uint32_t)(TCPHS_GAPS | TCPHS_ASSUMED);
        p->y->beliefs |= TCPHS_AHEAD_OF_SYN_ACK;
    }
    tcphs_change_link(c, TCPHS_LINK_ACK, c->inferred_synack_frame);
    c->facts |= TCPHS_HAD_FINAL_ACK;
    c->inferred_synack_frame = 0;
}

/* Which of several SYN-ACKs ----------------------------------------------------------------------------------- */

struct tcphs_alternative *tcphs_find_alternative(struct tcphs_connection *c, uint32_t iss)
{
    for (int i = 0; i < TCPHS_ALTERNATIVES; i++)
        if (c->alternatives[i].frame != 0 && c->alternatives[i].iss == iss)
            return &c->alternatives[i];
    return NULL;
}

static void keep_alternative(struct tcphs_connection *c, const struct tcphs_alternative *kept)
{
    struct tcphs_alternative *r = tcphs_find_alternative(c, kept->iss);
    if (r == NULL)
        r = c->alternatives[0].frame == 0 || c->alternatives[0].time <= c->alternatives[1].time ? &c->alternatives[0]
                                                                                                : &c->alternatives[1];
    if (c->alternatives[1].frame == 0 && r->frame != 0 && r->iss != kept->iss)
        r = &c->alternatives[1];
    *r = *kept;
}

void tcphs_keep_alternative(const struct tcphs_processing *p)
{
    const struct tcphs_segment *s = p->s;
    const struct tcphs_alternative kept = { .time = s->time,
                                            .iss = s->seq,
                                            .frame = s->frame,
                                            .window = s->window,
                                            .options = tcphs_offer_of(s),
                                            .mss = s->mss,
                                            .wscale = s->wscale };
    keep_alternative(p->c, &kept);
}

void tcphs_keep_believed_syn_ack(struct tcphs_connection *c, const struct tcphs_end *server)
{
    const struct tcphs_alternative kept = {
        .time = c->last_synack_time,
        .iss = server->iss,
        .frame = c->links[TCPHS_LINK_SYNACK] ? c->links[TCPHS_LINK_SYNACK] : TCPHS_UNNUMBERED_FRAME,
        .window = server->max_window > UINT16_MAX ? UINT16_MAX : (uint16_t)server->max_window,
        .options = tcphs_knows(server, TCPHS_SAW_SYN_OPTIONS) ? server->offered : TCPHS_OPTIONS_CUT,
        .mss = server->mss,
        .wscale = server->wscale_offered,
    };
    keep_alternative(c, &kept);
}

/* The other SYN-ACK of this server, not yet gone on with, that the number continues; NULL when none does. */
static const struct tcphs_alternative *continued_alternative(const struct tcphs_connection *c,
                                                             const struct tcphs_end *server, uint32_t number)
{
    if (server->state != TCPHS_SYN_RECEIVED || !tcphs_knows(server, TCPHS_SENT_SYN_ACK) ||
        tcphs_knows(server, TCPHS_ANSWERED_SYN_ACK) || number == server->iss + 1)
        return NULL;
    for (int i = 0; i < TCPHS_ALTERNATIVES; i++)
        if (c->alternatives[i].frame != 0 && tcphs_seq_follows(number, c->alternatives[i].iss + 1, UINT16_MAX))
            return &c->alternatives[i];
    return NULL;
}

/* The client acknowledges another SYN-ACK than the one that was believed, or the server goes on behind it. */
static const struct tcphs_alternative *chosen_alternative(const struct tcphs_arrival *a)
{
    if (a->kind != TCPHS_KIND_ACK)
        return NULL;
    const bool by_client =
        tcphs_knows(a->x, TCPHS_KNOWS_ISS) && tcphs_seq_follows(a->s->seq, a->x->iss + 1, UINT16_MAX);
    const struct tcphs_alternative *r = by_client ? continued_alternative(a->c, a->y, a->s->ack) : NULL;
    return r == NULL && tcphs_acks_syn(a) ? continued_alternative(a->c, a->x, a->s->seq) : r;
}

static bool chooses_alternative(const struct tcphs_arrival *a)
{
    return chosen_alternative(a) != NULL;
}

static void take_alternative(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    const struct tcphs_alternative taken = *chosen_alternative(p->a);
    const bool by_client = continued_alternative(c, p->y, p->s->ack) != NULL;
    struct tcphs_end *server = by_client ? p->y : p->x, *client = by_client ? p->x : p->y;
    tcphs_keep_believed_syn_ack(c, server);
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
    tcphs_transition(client, TCPHS_HEARS_SYN_ACK);
    server->rcv_edge = server->rcv_nxt + server->max_window;
    client->unseen_ack_frame = 0;
    c->last_synack_time = taken.time;
    if ((by_client ? p->s->ack : p->s->seq) != taken.iss + 1) /* what lies between was not captured */
        tcphs_assume(c);
    tcphs_change_link(c, TCPHS_LINK_SYNACK, taken.frame);
}

/* The handshake was completed unseen -------------------------------------------------------------------------- */

/* Neither end has sent anything but SYN, SYN-ACK and RST: nothing speaks against a capture of such segments alone. */
static bool only_handshake_seen(const struct tcphs_arrival *a)
{
    return !((a->x->beliefs | a->y->beliefs) & TCPHS_SENT_ACK);
}

/* A RST that may stand behind the handshake. */
static bool is_late_rst(const struct tcphs_arrival *a)
{
    return a->kind == TCPHS_KIND_RST && !tcphs_has_any(a->s, TCPHS_SYN) && a->y->state != TCPHS_SYN_SENT &&
           !tcphs_refuses_foreign_syn(a);
}

/* One end has sent a SYN-ACK and the other has not: no simultaneous open. */
static bool is_half_way(const struct tcphs_arrival *a)
{
    return tcphs_knows(a->x, TCPHS_SENT_SYN_ACK) != tcphs_knows(a->y, TCPHS_SENT_SYN_ACK) && only_handshake_seen(a) &&
           tcphs_connection_stage(a->c) == TCPHS_STAGE_SYN_RECEIVED;
}

/* A gap since the handshake can hide so many bytes of the sender, and so many of the receiver. */
static bool gap_may_hide(const struct tcphs_arrival *a, uint32_t ahead, uint32_t acked)
{
    return ahead <= tcphs_largest_gap_since_handshake(a, a->x) && acked <= tcphs_largest_gap_since_handshake(a, a->y);
}

/*
 * The third step, and perhaps all that followed it, was not captured: a segment beyond what both were seen to send
 * shows that they were synchronised. Both numbers beyond suffice; with one of them only if the other fits and
 * the SYN-ACK was not sent again when it should have been, or if a RST is at the right place: one whose sender has
 * heard no more than the handshake would acknowledge less. An ACK or data without FIN must lie beyond in both.
 */
static bool opens_unseen(const struct tcphs_arrival *a)
{
    const bool is_rst = is_late_rst(a);
    if ((a->kind != TCPHS_KIND_ACK && !is_rst) || !is_half_way(a))
        return false;
    const bool has_ack = tcphs_has_any(a->s, TCPHS_ACK);
    const uint32_t ahead = a->s->seq - a->x->snd_nxt, acked = has_ack ? a->s->ack - a->y->snd_nxt : 0;
    if (!gap_may_hide(a, ahead, acked))
        return false;
    if (acked > 0 && (ahead > 0 || is_rst))
        return true;
    const bool quiet = a->s->time - a->c->last_synack_time > FIRST_RETRY;
    return quiet && (ahead > 0 || acked > 0) && (is_rst || tcphs_has_fin(a));
}

static void stand_at(struct tcphs_end *e, struct tcphs_end *peer, uint32_t next)
{
    const uint32_t window = peer->max_window;
    tcphs_learn_sent(e, next, next);
    tcphs_learn_heard(peer, next);
    peer->rcv_edge = next + window;
}

static void assume_open(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *x = p->x, *y = p->y;
    const bool has_ack = tcphs_has_any(p->s, TCPHS_ACK);
    const uint32_t acked = has_ack ? p->s->ack : y->snd_nxt;
    tcphs_assume(c);
    c->facts |= TCPHS_GAPS | TCPHS_WAS_ESTABLISHED;
    c->facts &= ~(uint32_t)TCPHS_BAD_FINAL_ACK;
    c->established_frame = p->s->frame;
    if (!(c->facts & TCPHS_HAD_OPENED))
        p->o->event = TCPHS_EVENT_ESTABLISHED;
    c->facts |= TCPHS_HAD_OPENED;
    x->known |= p->s->seq != x->iss + 1 ? TCPHS_DATA_ACKED : 0;
    y->known |= acked != y->iss + 1 ? TCPHS_DATA_ACKED : 0;
    stand_at(x, y, p->s->seq);
    stand_at(y, x, acked);
    for (int i = 0; i < 2; i++) {
        tcphs_transition(&c->end[i], TCPHS_HEARS_SYN_ACK);
        tcphs_transition(&c->end[i], TCPHS_HEARS_ACK_OF_SYN);
    }
    x->beliefs |= TCPHS_OPENED_UNSEEN;
    c->assumed_open_frame = p->s->frame;
}

static void back_to_handshake(struct tcphs_end *e)
{
    const unsigned later = TCPHS_FIN_SENT | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED | TCPHS_FIN_ASSUMED | TCPHS_FIN_REPEATED |
                           TCPHS_DATA_ACKED | TCPHS_UNSEEN_ACK_HAS_FIN | TCPHS_HELD_OVERFLOW | TCPHS_ANSWERED_SYN_ACK;
    e->known &= ~(uint32_t)later;
    e->beliefs &= ~(uint32_t)(TCPHS_OPENED_UNSEEN | TCPHS_SENT_ACK);
    e->unseen_ack_frame = e->foreign_frame = e->challenge_frame = 0;
    e->ts_recent = e->ts_sent = 0;
    memset(e->held, 0, sizeof e->held);
}

static void retract_assumed_open(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    struct tcphs_end *server = tcphs_knows(p->x, TCPHS_SENT_SYN_ACK) ? p->x : p->y;
    struct tcphs_end *client = server == p->x ? p->y : p->x;
    for (int i = 0; i < 2; i++) {
        back_to_handshake(&c->end[i]);
        tcphs_transition(&c->end[i], TCPHS_FORGOTTEN);
    }
    stand_at(server, client, server->iss + 1);
    stand_at(client, server, client->iss + 1);
    tcphs_transition(client, TCPHS_SENDS_SYN);
    tcphs_transition(server, TCPHS_SENDS_SYN_ACK);
    tcphs_transition(client, TCPHS_HEARS_SYN_ACK);
    c->facts &=
        ~(uint32_t)(TCPHS_WAS_ESTABLISHED | TCPHS_IS_RESET | TCPHS_GAPS | TCPHS_CROSSED_FINS | TCPHS_FIN_BEFORE_RST);
    c->first_closer = TCPHS_NO_END;
    c->established_frame = c->end_frame = c->rst_frame = c->assumed_open_frame = 0;
    tcphs_change_link(c, TCPHS_LINK_FIN, 0);
    tcphs_change_link(c, TCPHS_LINK_RST, 0);
}

/* All of them ------------------------------------------------------------------------------------------------- */

/* A belief, in the order in which a segment is held against them. accuses: what is wrong is named while it stands. */
static const struct {
    bool (*decided)(const struct tcphs_arrival *a);
    void (*revise)(const struct tcphs_processing *p);
    bool accuses;
} beliefs[] = {
    { tcphs_contradicts_assumed_open, retract_assumed_open, true },
    { tcphs_disproves_rst, tcphs_retract_rst, true },
    { tcphs_overtakes_held_fin, tcphs_retract_held_fin, true },
    { shows_syn_ack_unheard, retract_syn_ack_heard, false },
    { goes_on_behind_syn_ack, believe_syn_ack_heard, false },
    { is_late_syn_ack, take_late_syn_ack, false },
    { chooses_alternative, take_alternative, false },
    { opens_unseen, assume_open, false },
    { tcphs_contradicts_assumed_fin, tcphs_retract_assumed_fin, false },
    { tcphs_never_heard_assumed_fin, tcphs_retract_own_fin, false },
    { tcphs_resets_behind_unseen_fin, tcphs_assume_own_fin, false },
    { tcphs_confirms_gap, tcphs_confirm_gap, false },
};

void tcphs_revise_beliefs(const struct tcphs_processing *p, struct tcphs_arrival *a)
{
    for (unsigned i = 0; i < sizeof beliefs / sizeof beliefs[0]; i++)
        if (beliefs[i].decided(a)) {
            if (beliefs[i].accuses)
                tcphs_check_all(p->a, p->o);
            beliefs[i].revise(p);
            tcphs_arrival_init(a, p->c, p->s);
        }
}
