/* columns.h
 * The words that stand in the columns of findings.def, for those who read the table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_COLUMNS_H
#define TCPHS_COLUMNS_H

/** Column `numbers`: which pair of numbers explains a finding where its predicate gives none. */
enum tcphs_numbers { NOTHING = 0, ACK = 1, SEQ = 2, BOTH = ACK | SEQ };

/**
 * Column `occasions`: on which segments a row is asked. Without its occasion a row cannot be found, so it is not looked
 * for: of most segments next to nothing is. That saves time and nothing else; tests ask every row
 * (tcphs_check_every_row).
 */
enum tcphs_occasion {
    ON_ODD_FLAGS = 1 << 0, /**< flags, urgent pointer, ports or options that are odd by themselves; URG always */
    ON_RST = 1 << 1,
    ON_SYN = 1 << 2,
    ON_SYN_ACK = 1 << 3,
    ON_ACK = 1 << 4,
    ON_FIN = 1 << 5,
    ON_BAD_NUMBERS = 1 << 6,    /**< an acknowledgment or a sequence number far off */
    ON_REPEAT = 1 << 7,         /**< … or of a byte that was heard, or one at the edge of the window */
    ON_HANDSHAKE = 1 << 8,      /**< an end waits for the handshake to go on */
    ON_DATA_AFTER_FIN = 1 << 9, /**< data of an end that has sent its FIN */
    ON_RESET = 1 << 10,         /**< the connection is over by RST */
    ON_SUSPICION = 1 << 11,     /**< an earlier segment is suspected of something */
    ON_FIRST_SEGMENT = 1 << 12,
    ON_REFUSAL = 1 << 13, /**< it is dropped for its timestamp or signature */
};

/** Column `proof`. */
enum tcphs_proof { AT_ONCE = 0, DEFERRED };

/** Column `settles`: what follows when the row is found. */
enum tcphs_settlement {
    SETTLES_NOTHING = 0,
    REFUTES_UNSEEN_ACK = 1 << 0, /**< what the peer acknowledged unseen was never sent */
    REFUSES_FOREIGN = 1 << 1,    /**< the foreign segment of the peer is refused, if it is the one accused */
    REFUSES_OWN_DATA = 1 << 2,   /**< the sender's own challengeable segment is not its own, if it is the one accused */
    MARKS_BAD_FINAL_ACK = 1 << 3,     /**< for the verdict, while the server waits for the final ACK */
    MARKS_CHALLENGED = 1 << 4,        /**< for the verdict */
    MARKS_ACK_NOT_TAKEN = 1 << 5,     /**< for the verdict */
    MARKS_TIMESTAMP_MISSING = 1 << 6, /**< so that it is found once only */
};

/** Column `forgery`. */
enum tcphs_forgery { NOT_FORGED = 0, FORGED };

#endif
