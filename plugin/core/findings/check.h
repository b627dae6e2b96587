/* check.h
 * Asks the predicates of those rows of findings.def for which a segment gives an occasion, and enters what they find.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CHECK_H
#define TCPHS_CHECK_H

#include "tcp/process.h"

/*
 * Without its occasion a row cannot be found, so it is not looked for: of most segments next to nothing is. The table
 * saves time and nothing else; tests hold it to the rows themselves (tcphs_check_every_row).
 */
enum occasion {
    OF_ODD_FLAGS,
    OF_RST,
    OF_SYN,
    OF_SYN_ACK,
    OF_ACK,
    OF_FIN,
    OF_BAD_NUMBERS,    /* an acknowledgment or a sequence number far off */
    OF_REPEAT,         /* … or of a byte that was heard, or one at the edge of the window */
    OF_HANDSHAKE,      /* an end waits for the handshake to go on */
    OF_DATA_AFTER_FIN, /* data of an end that has sent its FIN */
    OF_RESET,          /* the connection is over by RST */
    OF_SUSPICION,      /* an earlier segment is suspected of something */
    OF_FIRST_SEGMENT,
    OF_REFUSAL,   /* its numbers are right, and it is dropped nevertheless */
    OF_SIGNATURE, /* it is signed, or should be */
    OCCASIONS
};

/** Which earlier frame is accused, 0 = none, and by which of the findings. */
struct tcphs_found {
    uint32_t back;
    uint64_t backward;
};

typedef uint32_t (*check)(const struct tcphs_arrival *a);

/** All findings of a segment, and what they point back to. */
uint64_t tcphs_check_all(const struct tcphs_arrival *a, struct tcphs_found *out);

/** The same, each row asked whether there is an occasion for it or not: slow, for tests. */
uint64_t tcphs_check_every_row(const struct tcphs_arrival *a, struct tcphs_found *out);

/** Names what is wrong with the segment as the connection stands now. */
void tcphs_add_findings(const struct tcphs_processing *p);

#endif
