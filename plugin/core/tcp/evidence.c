/* evidence.c
 * Segments that a later one will prove right or wrong, remembered until then: acknowledgments of what was not captured,
 * foreign segments, and those that a challenge may answer. What follows is left to belief.h and findings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/evidence.h"

#include "tcp/handshake_options.h"

/* x acknowledges what its peer was not seen to send; "open" when bytes that were not captured would explain it. */
void tcphs_remember_unseen_ack(const struct tcphs_processing *p, bool open)
{
    struct tcphs_end *x = p->x;
    if (x->unseen_ack_frame == 0 || tcphs_seq_before(p->s->seq, x->unseen_ack_left))
        x->unseen_ack_left = p->s->seq;
    x->unseen_ack = p->s->ack;
    x->unseen_ack_frame = p->s->frame;
    x->unseen_ack_clock = tcphs_clock(p->s->time);
    x->known &= ~(uint32_t)(TCPHS_UNSEEN_ACK_OPEN | TCPHS_UNSEEN_ACK_HAS_FIN | TCPHS_UNSEEN_ACK_TAKEN_BACK);
    if (!open)
        return;
    x->known |= TCPHS_UNSEEN_ACK_OPEN;
    const uint32_t window = tcphs_granted_window(p->c, p->s); /* it has grown in the gap, if there is one */
    if (tcphs_knows(x, TCPHS_KNOWS_WINDOW) && window > x->max_window)
        x->max_window = window;
}

#define CHALLENGES (TCPHS_CHALLENGE_OF_ACK | TCPHS_CHALLENGE_OF_DATA | TCPHS_HAS_ASKED)

void tcphs_expect_challenge(const struct tcphs_processing *p, unsigned kind)
{
    p->x->challenge_frame = p->s->frame;
    p->x->challenge_seq = p->s->seq;
    p->x->beliefs = (p->x->beliefs & ~(uint32_t)CHALLENGES) | kind;
}

void tcphs_forget_challenge(struct tcphs_end *e)
{
    e->challenge_frame = 0;
    e->known &= ~(uint32_t)TCPHS_CHALLENGE_OF_RST;
    e->beliefs &= ~(uint32_t)CHALLENGES;
}

/* A SYN of other numbers inside a connection may open the next one: its first time and its count are kept. */
static void count_retry(const struct tcphs_processing *p)
{
    struct tcphs_connection *c = p->c;
    if (c->retry_count == 0 || c->retry_from != p->s->from || c->retry_iss != p->s->seq) {
        c->retry_count = 0;
        c->retry_from = p->s->from;
        c->retry_iss = p->s->seq;
        c->retry_time = p->s->time;
        c->retry_frame = p->s->frame;
        c->retry_ts_first = p->s->ts_value;
    }
    if (c->retry_count < UINT16_MAX)
        c->retry_count++;
    c->retry_options = tcphs_offer_of(p->s);
    c->retry_mss = p->s->mss;
    c->retry_ts_last = p->s->ts_value;
    c->retry_wscale = p->s->wscale;
    c->retry_window = p->s->window;
}

void tcphs_keep_foreign(const struct tcphs_processing *p, uint32_t end, unsigned kind)
{
    p->c->foreign_time = p->s->time;
    if (kind == 0)
        count_retry(p);
    p->x->known &= ~(uint32_t)(TCPHS_FOREIGN_IS_SYN_ACK | TCPHS_FOREIGN_HAS_NO_SYN);
    p->x->known |= kind;
    p->x->foreign_seq = p->s->seq;
    p->x->foreign_end = end;
    p->x->foreign_frame = p->s->frame;
    tcphs_expect_challenge(p, 0);
}
