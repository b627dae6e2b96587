/* process.c
 * The context in which one segment is processed (syn.h, ack.h, fin.h, rst.h), and what every part does with it: change
 * states, assume, link frames.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/process.h"

void tcphs_transition(struct tcphs_end *e, enum tcphs_machine_event event)
{
    e->state = (uint8_t)tcphs_machine(e->state, event);
}

void tcphs_suspend_states(struct tcphs_connection *c)
{
    for (unsigned i = 0; i < 2; i++)
        c->end[i].before_rst = c->end[i].state;
}

void tcphs_resume_states(struct tcphs_connection *c)
{
    for (unsigned i = 0; i < 2; i++)
        tcphs_transition(&c->end[i], tcphs_resumes(c->end[i].before_rst));
}

void tcphs_correct_state(const struct tcphs_connection *c, struct tcphs_end *e, enum tcphs_machine_event event)
{
    if (tcphs_is_reset(c))
        e->before_rst = (uint8_t)tcphs_machine(e->before_rst, event);
    else
        tcphs_transition(e, event);
}

void tcphs_assume(struct tcphs_connection *c)
{
    c->facts |= TCPHS_ASSUMED;
}

void tcphs_emit_counts(const struct tcphs_processing *p)
{
    p->o->syn_count = p->c->syn_count;
    p->o->synack_count = p->c->synack_count;
}

void tcphs_emit_due_ack(const struct tcphs_processing *p, uint32_t due)
{
    p->o->has_due = true;
    p->o->due = due;
    p->o->seen = p->s->ack;
}

void tcphs_link_first(const struct tcphs_processing *p, enum tcphs_link link)
{
    if (p->c->links[link] == 0)
        p->c->links[link] = p->s->frame;
}

void tcphs_change_link(struct tcphs_connection *c, enum tcphs_link link, uint32_t frame)
{
    if (c->link_changes >= TCPHS_MOST_LINK_CHANGES)
        return;
    if (c->links[link] != 0)
        c->link_changes++;
    c->links[link] = frame == TCPHS_UNNUMBERED_FRAME ? 0 : frame; /* no link to a name that is gone */
}
