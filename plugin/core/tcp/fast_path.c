/* fast_path.c
 * The fast path, for what most segments are (RFC 9293 3.10.7.4; compare header prediction in Linux' tcp_input.c): data
 * or an acknowledgment, exactly where both ends of an open connection expect it, with nothing suspected and nothing
 * outstanding. It must leave the connection as the slow path (connection.c) would; tests compare the two. Whatever else
 * comes takes the slow path.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/fast_path.h"

#include "tcp/sequence_space.h"

/* What must be known of both ends for their numbers to be held against each other at all. */
#define NEEDED (TCPHS_KNOWS_SENT | TCPHS_KNOWS_HEARD | TCPHS_KNOWS_WINDOW | TCPHS_SENT_ANYTHING)
/* A close has begun, or something before it is still to be settled. */
#define FORBIDDEN                                                                                                      \
    (TCPHS_FIN_SENT | TCPHS_FIN_HEARD | TCPHS_FIN_ACKED | TCPHS_FIN_ASSUMED | TCPHS_FIN_REPEATED |                     \
     TCPHS_UNSEEN_ACK_HAS_FIN | TCPHS_CHALLENGE_OF_RST)

static bool has_only_ack_flag(const struct tcphs_segment *s)
{
    const unsigned other = s->flags & (TCPHS_FIN | TCPHS_SYN | TCPHS_RST | TCPHS_ACK | TCPHS_URG);
    return other == TCPHS_ACK && (s->length > 0 || !tcphs_has_any(s, TCPHS_PSH)) && s->urgent == 0 && !s->to_itself &&
           !(s->options & (TCPHS_OPT_SACK | TCPHS_OPTIONS_OF_SYN)) && s->source_port != 0 && s->destination_port != 0;
}

static bool is_open(const struct tcphs_end *x, const struct tcphs_end *y)
{
    return x->state == TCPHS_ESTABLISHED && y->state == TCPHS_ESTABLISHED && (x->known & y->known & NEEDED) == NEEDED &&
           ((x->known | y->known) & FORBIDDEN) == 0;
}

static bool suspects_nothing(const struct tcphs_end *e)
{
    return (e->unseen_ack_frame | e->foreign_frame | e->challenge_frame) == 0 && !(e->beliefs & TCPHS_AHEAD_OF_SYN_ACK);
}

static bool is_undisturbed(const struct tcphs_connection *c)
{
    const unsigned never = TCPHS_IS_RESET | TCPHS_REPEATED_SYN_ACK | TCPHS_ACK_NOT_TAKEN | TCPHS_MULTIPATH;
    return (c->facts & TCPHS_HAD_SEGMENT) && (c->facts & (TCPHS_WAS_ESTABLISHED | TCPHS_MIDSTREAM_START)) &&
           !(c->facts & never) && c->early_data_frame == 0 && is_open(&c->end[0], &c->end[1]) &&
           suspects_nothing(&c->end[0]) && suspects_nothing(&c->end[1]);
}

static bool holds_nothing(const struct tcphs_end *e)
{
    uint32_t held = 0;
    for (int i = 0; i < TCPHS_HELD; i++)
        held |= e->held[i][0] ^ e->held[i][1];
    return held == 0;
}

/* Right behind what x has sent and y has heard, in the window, with an acknowledgment of bytes sent, none of them
 * missing from the capture. */
static bool is_next_in_sequence(const struct tcphs_segment *s, const struct tcphs_end *x, const struct tcphs_end *y)
{
    if (s->seq != y->rcv_nxt || s->seq != x->snd_nxt || tcphs_seq_after(s->ack, y->snd_nxt) ||
        tcphs_seq_after(s->ack, x->rcv_nxt) || tcphs_seq_before(s->ack, y->snd_una))
        return false;
    return s->length == 0 ? !tcphs_seq_after(s->seq, y->rcv_edge)
                          : tcphs_seq_before(s->seq, y->rcv_edge) && holds_nothing(y);
}

/* tcphs_learn_window, of an end whose window is known and takes back nothing. */
static void grant(struct tcphs_end *x, const struct tcphs_segment *s, uint32_t window, bool scale_is_known)
{
    const uint32_t edge = s->ack + window;
    if (window > x->max_window)
        x->max_window = window;
    x->rcv_edge = tcphs_seq_max(x->rcv_edge, edge);
    x->known = s->window == 0 ? x->known | TCPHS_OFFERS_NOTHING : x->known & ~(uint32_t)TCPHS_OFFERS_NOTHING;
    if (!scale_is_known)
        return;
    if (!tcphs_knows(x, TCPHS_KNOWS_GRANT) || tcphs_seq_after(edge, x->granted_edge)) {
        x->granted_edge = edge;
        x->granted_ack = s->ack;
    }
    x->known |= TCPHS_KNOWS_GRANT;
}

/* With the timestamp that was agreed on, and no older one than before; or without, and that is known. */
static bool has_good_timestamp(const struct tcphs_connection *c, const struct tcphs_segment *s,
                               const struct tcphs_end *x, const struct tcphs_end *y)
{
    if (!tcphs_uses_timestamps(c))
        return true;
    if (!(s->options & TCPHS_OPT_TIMESTAMP))
        return (s->options & TCPHS_OPTIONS_CUT) || (x->beliefs & TCPHS_TS_WAS_MISSING);
    return y->ts_recent == 0 || tcphs_ts_age(s->ts_value, y->ts_recent) <= 0;
}

/* Signed or not as its sender's other segments, and its receiver's SYN. */
static bool has_usual_signature(const struct tcphs_segment *s, const struct tcphs_end *x, const struct tcphs_end *y)
{
    const bool signs = (x->beliefs & TCPHS_SIGNS) != 0;
    return ((s->options | y->offered_ever) & TCPHS_SIGNATURES) == 0 ? !signs : signs && (s->options & TCPHS_SIGNATURES);
}

static void advance(const struct tcphs_processing *p)
{
    const struct tcphs_segment *s = p->s;
    struct tcphs_end *x = p->x, *y = p->y;
    if (tcphs_uses_timestamps(p->c) && (s->options & TCPHS_OPT_TIMESTAMP)) {
        x->ts_sent = s->ts_value;
        tcphs_take_timestamp(p);
    }
    tcphs_learn_acked(y, s->ack);
    tcphs_time_answer(x, y, s->ack, s->time);
    x->rcv_ack = tcphs_seq_max(x->rcv_ack, s->ack);
    tcphs_remember_ack(x, s->ack);
    if (s->length > 0) {
        x->snd_nxt = y->rcv_nxt = s->seq + s->length;
        tcphs_time_bytes(x, x->snd_nxt, s->time);
        x->known &= ~(uint32_t)TCPHS_SENT_UNSURE;
    }
    if (tcphs_knows(x, TCPHS_SENT_SYN_ACK))
        x->known |= TCPHS_ANSWERED_SYN_ACK;
    x->beliefs |= TCPHS_SENT_ACK;
    y->beliefs &= ~(uint32_t)TCPHS_OPENED_UNSEEN;
    y->repeats = 0;
    tcphs_note_accepted(p);
    tcphs_learn_hops(p);
    p->c->last_time = s->time;
}

bool tcphs_connection_fast_path(struct tcphs_connection *c, const struct tcphs_segment *s)
{
    struct tcphs_end *x = &c->end[s->from], *y = &c->end[!s->from];
    if (!has_only_ack_flag(s) || !is_undisturbed(c) || !is_next_in_sequence(s, x, y) ||
        !has_good_timestamp(c, s, x, y) || !has_usual_signature(s, x, y))
        return false;
    const bool scale_is_known = tcphs_scale_is_known(c);
    const uint32_t window = scale_is_known ? tcphs_scaled_window(c, s) : tcphs_granted_window(c, s);
    if (scale_is_known && tcphs_takes_window_back(x, s->ack, s->ack + window))
        return false;
    const struct tcphs_processing p = { .c = c, .s = s, .x = x, .y = y };
    grant(x, s, window, scale_is_known);
    advance(&p);
    return true;
}
