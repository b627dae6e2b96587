/* machine.c
 * The table of RFC 9293 figure 5, one row per state of one endpoint, one column per event.
 *
 * The observer's view: we see what an end sends, and we believe that an acceptable segment is heard at once. A cell
 * that keeps the state is written out, never left empty: 0 is a hole and no cell may be one. Cells that RFC 9293
 * does not have are the observer's: the handshake or a FIN may not have been captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tcp/machine.h"

#include <stdint.h>

/* clang-format off */
/* Two letters, so that a row of the table stays one line. */
enum {
    CL = TCPHS_CLOSED, LI = TCPHS_LISTEN, SS = TCPHS_SYN_SENT, SR = TCPHS_SYN_RECEIVED, ES = TCPHS_ESTABLISHED,
    F1 = TCPHS_FIN_WAIT_1, F2 = TCPHS_FIN_WAIT_2, CW = TCPHS_CLOSE_WAIT, CG = TCPHS_CLOSING, LA = TCPHS_LAST_ACK,
    TW = TCPHS_TIME_WAIT, UN = TCPHS_UNKNOWN,
};

static const uint8_t table[TCPHS_STATES][TCPHS_MACHINE_EVENTS] = {
/*  Columns, in the order of enum tcphs_machine_event:
        sends SYN, SYN-ACK, anything else, ACK of FIN, FIN, FIN that crosses the peer's, RST;
        hears SYN, SYN-ACK, ACK of its SYN, FIN, ACK of its FIN, RST; missed the SYN-ACK, the ACK of its SYN, of its
        FIN; sent no FIN, heard no FIN; is forgotten
                                sends                         hears                     missed        no FIN
                               S   SA  ..  aF  F   Fx  R     S   SA  aS  F   aF  R     SA  aS  aF    s   h    -- */
    [TCPHS_STATE_NONE]   = { 0,  0,  0,  0,  0,  0,  0,  0,    0,  0,  0,  0,  0,  0,    0,  0,  0,    0,  0,   UN },

    [TCPHS_CLOSED]       = { 0,  SS, SR, CL, CL, CL, CL, CL,   CL, CL, CL, CL, CL, CL,   CL, CL, LA,   CW, F2,  UN },
/*  A closed end opens by SYN or answers one; whatever else carries its address opens nothing (the
    way back from a disbelieved RST is not an arc: tcphs_resume_states of process.c restores what it had). */

    [TCPHS_LISTEN]       = { 0,  SS, SR, ES, CW, F1, F1, CL,   LI, LI, ES, LI, LI, LI,   LI, LI, LI,   LI, LI,  UN },
/*  A listener that has heard a SYN stays here until it answers, for the SYN may be lost behind us. Sending its own
    SYN is the simultaneous open. RST into LISTEN is ignored (3.10.7.2). "Other", FIN and "ack of SYN" are answers of
    a server whose SYN-ACK was not captured. */

    [TCPHS_SYN_SENT]     = { 0,  SS, SR, ES, CW, SS, SS, CL,   SR, ES, SS, SS, SS, CL,   SS, SS, SS,   SS, SS,  UN },
/*  A SYN alone makes it SYN-RECEIVED (simultaneous open), SYN-ACK establishes it (3.10.7.3). An ACK or FIN without
    SYN is dropped. It sends "other" only after a SYN-ACK, captured or not. A FIN cannot be sent before. */

    [TCPHS_SYN_RECEIVED] = { 0,  SR, SR, SR, CW, F1, CG, CL,   SR, ES, ES, CW, SR, CL,   SR, SR, SR,   SR, SR,  UN },
/*  Retransmits SYN and SYN-ACK; sends challenge ACKs and Fast Open data without leaving. CLOSE sends FIN (figure 5).
    The SYN-ACK of a simultaneous open acknowledges the SYN too. RST: back to LISTEN or CLOSED, which an observer
    cannot tell apart (3.10.7.4 first). */

    [TCPHS_ESTABLISHED]  = { 0,  ES, ES, ES, CW, F1, F1, CL,   ES, ES, ES, CW, ES, CL,   SS, SR, ES,   ES, ES,  UN },
/*  SYN and SYN-ACK are challenged, never obeyed (RFC 5961 4). Acknowledging a FIN proves that it was heard. What was
    believed to be heard is taken back by its own repetition: the ways back are the columns
    of what was missed, and of no FIN. */

    [TCPHS_FIN_WAIT_1]   = { 0,  F1, F1, F1, CG, F1, F1, CL,   F1, F1, F1, CG, F2, CL,   F1, F1, F1,   ES, F1,  UN },
/*  The peer's FIN before the acknowledgment of our own is the simultaneous close. */

    [TCPHS_FIN_WAIT_2]   = { 0,  F2, F2, F2, TW, F2, F2, CL,   F2, F2, F2, TW, F2, CL,   F2, F2, F1,   ES, F2,  UN },
/*  Half closed: the peer may send as long as it likes. */

    [TCPHS_CLOSE_WAIT]   = { 0,  CW, CW, CW, CW, LA, CG, CL,   CW, CW, CW, CW, CW, CL,   CW, SR, CW,   CW, ES,  UN },
/*  A FIN that does not acknowledge the peer's was sent from ESTABLISHED, before the peer's came: FIN-WAIT-1, then
    CLOSING at once, since we believe that the peer's FIN is heard by now. */

    [TCPHS_CLOSING]      = { 0,  CG, CG, CG, CG, CG, CG, CL,   CG, CG, CG, CG, TW, CL,   CG, CG, CG,   CW, F1,  UN },
/*  Waits for the acknowledgment of its FIN only; the peer has nothing more to send. */

    [TCPHS_LAST_ACK]     = { 0,  LA, LA, LA, LA, LA, LA, CL,   LA, LA, LA, LA, CL, CL,   LA, LA, LA,   CW, F1,  UN },
/*  The peer closed first and our FIN is out: its acknowledgment ends all, with no wait. */

    [TCPHS_TIME_WAIT]    = { 0,  TW, TW, TW, TW, TW, TW, CL,   TW, TW, TW, TW, TW, CL,   TW, TW, CG,   CW, F2,  UN },
/*  An acceptable RST ends TIME-WAIT early (RFC 1337 warns of it; common kernels do it). A new SYN is a new connection. */

    [TCPHS_UNKNOWN]      = { 0,  SS, SR, ES, CW, F1, F1, CL,   LI, ES, ES, CW, UN, CL,   UN, UN, UN,   UN, UN,  UN },
/*  Nothing captured of this end yet: what it sends, and what is sent to it, is the first evidence. */
};
/* clang-format on */

enum tcphs_state tcphs_machine(enum tcphs_state state, enum tcphs_machine_event event)
{
    if ((unsigned)event > TCPHS_RESUMES && (unsigned)event < TCPHS_RESUMES + TCPHS_STATES)
        return (enum tcphs_state)((unsigned)event - TCPHS_RESUMES);
    if ((unsigned)state >= TCPHS_STATES || (unsigned)event >= TCPHS_MACHINE_EVENTS)
        return TCPHS_STATE_NONE;
    return (enum tcphs_state)table[state][event];
}
