/* fin.h
 * FIN and its acknowledgment: orderly close, simultaneous close, and the FIN that was not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FIN_H
#define TCPHS_FIN_H

#include "tcp/process.h"

/** An end closes, by a FIN at the given sequence number. */
void tcphs_send_fin(const struct tcphs_processing *p, struct tcphs_end *e, enum tcphs_machine_event event,
                    uint32_t fin_seq);

/** Processes the FIN of an acceptable segment; a repeated one only shows its close step. */
void tcphs_process_fin(const struct tcphs_processing *p);

/** Shows the close step of a pure ACK that repeats the acknowledgment of a FIN. */
void tcphs_emit_repeated_close_ack(const struct tcphs_processing *p);

/** Changes both ends when the segment acknowledges the receiver's FIN. */
void tcphs_acknowledge_fin(const struct tcphs_processing *p);

/** The receiver has closed by a FIN that was not captured: the sender acknowledges it. */
void tcphs_assume_fin(const struct tcphs_processing *p);

/** Does a RST prove that its sender's FIN, and its acknowledgment, were not captured? */
bool tcphs_resets_behind_unseen_fin(const struct tcphs_arrival *a);

/** The sender has closed by a FIN that was not captured, and the receiver has acknowledged it, as was not captured. */
void tcphs_assume_own_fin(const struct tcphs_processing *p);

/** Does the segment show that the FIN assumed of its sender was none? */
bool tcphs_contradicts_assumed_fin(const struct tcphs_arrival *a);

/** Takes an assumed FIN of the sender back. */
void tcphs_retract_assumed_fin(const struct tcphs_processing *p);

/** Does the segment show that its sender never heard the FIN that a RST of its peer made us assume? */
bool tcphs_never_heard_assumed_fin(const struct tcphs_arrival *a);

/** Takes that FIN, and the RST, back. */
void tcphs_retract_own_fin(const struct tcphs_processing *p);

/** What y acknowledged was never sent: its receiver x has dropped the segments that said so, bytes and FIN too. */
void tcphs_refute_unseen_ack(const struct tcphs_processing *p);

/** Does the segment, in sequence, take the place of a FIN of its sender that the receiver still holds back? */
bool tcphs_overtakes_held_fin(const struct tcphs_arrival *a);

/** Takes that FIN back. */
void tcphs_retract_held_fin(const struct tcphs_processing *p);

#endif
