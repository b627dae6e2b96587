/* move.h
 * What the parts of the connection (opening, ordinary, closing, resetting) share: the move of one segment, and the
 * bookkeeping behind it. Private to the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_MOVE_H
#define TCPHS_MOVE_H

#include "connection.h"
#include "machine.h"
#include "view.h"

/** The connection, the segment, how it was judged before the move, and what is told of it. */
struct tcphs_move {
    struct tcphs_connection *c;
    const struct tcphs_segment *s;
    const struct tcphs_view *v;
    struct tcphs_outcome *o;
    struct tcphs_end *x, *y; /**< sender and receiver */
};

/* numbers.c */
void tcphs_act(struct tcphs_end *e, enum tcphs_step_event event);
void tcphs_assume(struct tcphs_connection *c);
void tcphs_learn_sent(struct tcphs_end *e, uint32_t una, uint32_t nxt);
void tcphs_learn_heard(struct tcphs_end *e, uint32_t next);
void tcphs_learn_window(const struct tcphs_move *m);
void tcphs_learn_syn_options(const struct tcphs_move *m);
void tcphs_join_held(struct tcphs_end *e);
void tcphs_deliver(const struct tcphs_move *m, uint32_t left, uint32_t right);
void tcphs_tell_counts(const struct tcphs_move *m);
void tcphs_tell_due(const struct tcphs_move *m, uint32_t due);
void tcphs_claim(const struct tcphs_move *m, bool open);
void tcphs_link_first(const struct tcphs_move *m, enum tcphs_link link);

/* opening.c */
void tcphs_move_by_syn(const struct tcphs_move *m);
void tcphs_move_by_syn_ack(const struct tcphs_move *m);

/* closing.c */
void tcphs_send_fin(const struct tcphs_move *m, struct tcphs_end *e, enum tcphs_step_event event, uint32_t fin_seq);
void tcphs_move_by_fin(const struct tcphs_move *m);
void tcphs_tell_repeated_close_ack(const struct tcphs_move *m);
void tcphs_acknowledge_fin(const struct tcphs_move *m);
void tcphs_assume_fin(const struct tcphs_move *m);
bool tcphs_contradicts_assumed_fin(const struct tcphs_view *v);
void tcphs_retract_assumed_fin(const struct tcphs_move *m);

/* ordinary.c */
void tcphs_pick_up_midstream(const struct tcphs_move *m);
bool tcphs_confirms_gap(const struct tcphs_view *v);
void tcphs_confirm_gap(const struct tcphs_move *m);
void tcphs_move_by_ordinary(const struct tcphs_move *m);

/* resetting.c */
void tcphs_move_by_rst(const struct tcphs_move *m);
void tcphs_revive(struct tcphs_connection *c);

#endif
