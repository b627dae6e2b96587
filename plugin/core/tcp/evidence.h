/* evidence.h
 * Segments that a later one will prove right or wrong, remembered until then: acknowledgments of what was not captured,
 * foreign segments, and those that a challenge may answer. What follows is left to belief.h and findings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_EVIDENCE_H
#define TCPHS_EVIDENCE_H

#include "tcp/process.h"

/** Remembers that the sender acknowledged what its peer was not seen to send; open = a capture gap would explain it. */
void tcphs_remember_unseen_ack(const struct tcphs_processing *p, bool open);

/** The sender has sent what RFC 5961 lets the peer challenge; kind = TCPHS_CHALLENGE_OF_ACK, _OF_DATA or 0. */
void tcphs_expect_challenge(const struct tcphs_processing *p, unsigned kind);

/** The challenge has come, or will not come any more. */
void tcphs_forget_challenge(struct tcphs_end *e);

/** Remembers a segment whose numbers do not fit: what follows tells whether it is refused or of a new connection. */
void tcphs_keep_foreign(const struct tcphs_processing *p, uint32_t end, unsigned kind);

#endif
