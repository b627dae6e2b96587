/* handshake_options.c
 * What each end offers in its SYN or SYN-ACK, and what both have agreed on. How a window is scaled is in
 * state.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/handshake_options.h"

void tcphs_note_offer(struct tcphs_end *x, const struct tcphs_segment *s)
{
    x->offered = tcphs_offer_of(s);
    x->offered_ever |= x->offered;
    x->mss = s->mss;
    x->wscale_offered = s->wscale;
}

/*
 * Whether both ends hold ECN. A SYN asks by ECE and CWR; the answer is ECE without CWR (RFC 3168 6.1.1.1). With AE,
 * too, it asks for accurate ECN, and any answer agrees but none of the three bits or all of them (RFC 9768 3.1.1).
 */
static bool agree_on_ecn(unsigned asked, unsigned answered)
{
    if ((asked & (TCPHS_ECE | TCPHS_CWR)) != (TCPHS_ECE | TCPHS_CWR))
        return false;
    if (asked & TCPHS_AE)
        return answered != 0 && answered != TCPHS_ECN_BITS;
    return (answered & (TCPHS_ECE | TCPHS_CWR)) == TCPHS_ECE;
}

void tcphs_agree(struct tcphs_connection *c, const struct tcphs_end *server, const struct tcphs_end *client)
{
    static const struct {
        uint16_t option;
        uint8_t agreed;
    } rows[] = {
        { TCPHS_OPT_WSCALE, TCPHS_AGREED_WINDOW_SCALE },
        { TCPHS_OPT_SACK_PERMITTED, TCPHS_AGREED_SACK },
        { TCPHS_OPT_TIMESTAMP, TCPHS_AGREED_TIMESTAMPS },
        { TCPHS_OPT_MP_CAPABLE, TCPHS_AGREED_MPTCP },
    };
    const unsigned both = client->offered & server->offered;
    c->agreed = 0;
    if (!tcphs_knows(client, TCPHS_SENT_SYN) || ((client->offered | server->offered) & TCPHS_OPTIONS_CUT))
        return;
    c->agreed = TCPHS_AGREED_KNOWN;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (both & rows[i].option)
            c->agreed |= rows[i].agreed;
    if (agree_on_ecn(tcphs_ecn_bits_of(client->offered), tcphs_ecn_bits_of(server->offered)))
        c->agreed |= TCPHS_AGREED_ECN;
}

void tcphs_emit_options(const struct tcphs_processing *p)
{
    struct tcphs_handshake_options *shown = &p->o->options;
    *shown = (struct tcphs_handshake_options){ .agreed = p->o->step >= 2 ? p->c->agreed : 0 };
    for (unsigned i = 0; i < 2; i++) {
        const struct tcphs_end *e = &p->c->end[i];
        if (e->offered & TCPHS_OPT_MSS) {
            shown->has_mss |= (uint8_t)(1u << i);
            shown->mss[i] = e->mss;
        }
        if (e->offered & TCPHS_OPT_WSCALE) {
            shown->has_scale |= (uint8_t)(1u << i);
            shown->window_scale[i] = e->wscale_offered;
        }
    }
}
