/* segment.h
 * One TCP segment as seen on the wire: the only input of the core.
 * Filling it from a packet is left to the caller; nothing here is relative, scaled or guessed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SEGMENT_H
#define TCPHS_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/** Control bits, with the values they have in the header (RFC 9293 section 3.1; AE is the old NS bit). */
enum tcphs_flag {
    TCPHS_FIN = 0x001,
    TCPHS_SYN = 0x002,
    TCPHS_RST = 0x004,
    TCPHS_PSH = 0x008,
    TCPHS_ACK = 0x010,
    TCPHS_URG = 0x020,
    TCPHS_ECE = 0x040,
    TCPHS_CWR = 0x080,
    TCPHS_AE = 0x100,
};

/** What the options of a segment said. OPTIONS_CUT: the capture ends before the header does. */
enum tcphs_option {
    TCPHS_OPT_WSCALE = 0x01,
    TCPHS_OPT_FASTOPEN = 0x02,
    TCPHS_OPT_TIMESTAMP = 0x04,
    TCPHS_OPT_SACK = 0x08,
    TCPHS_OPT_MULTIPATH = 0x10,
    TCPHS_OPT_SACK_PERMITTED = 0x20,
    TCPHS_OPT_MSS = 0x40,
    TCPHS_OPTIONS_CUT = 0x80,
    TCPHS_OPT_MD5 = 0x100,
    TCPHS_OPT_AO = 0x200,
    TCPHS_OPT_MP_CAPABLE = 0x400,
};

/** Options that belong on a SYN or SYN-ACK and nowhere else (RFC 9293 3.2, RFC 7323 2.2, RFC 2018 2). */
#define TCPHS_OPTIONS_OF_SYN (TCPHS_OPT_MSS | TCPHS_OPT_WSCALE | TCPHS_OPT_SACK_PERMITTED)

/** Options that sign a segment (RFC 2385, RFC 5925). */
#define TCPHS_SIGNATURES (TCPHS_OPT_MD5 | TCPHS_OPT_AO)

/** Control bits by which ECN is negotiated (RFC 3168 6.1.1, RFC 9768 3.1.1). */
#define TCPHS_ECN_BITS (TCPHS_ECE | TCPHS_CWR | TCPHS_AE)

/** A TCP segment as it was captured. Lifetime: one visit; the core keeps no pointer to it. */
struct tcphs_segment {
    int64_t time;        /**< capture time in nanoseconds since any epoch; may go backwards */
    uint32_t frame;      /**< frame number, > 0 */
    uint32_t seq;        /**< sequence number field */
    uint32_t ack;        /**< acknowledgment number field, whatever the ACK flag says */
    uint32_t length;     /**< payload bytes as the IP header claims them, captured or not */
    uint32_t sack_right; /**< right edge of the highest SACK block, valid with TCPHS_OPT_SACK */
    uint32_t ts_value;   /**< TSval, valid with TCPHS_OPT_TIMESTAMP … */
    uint32_t ts_echo;    /**< … and TSecr */
    uint16_t flags;      /**< enum tcphs_flag */
    uint16_t window;     /**< window field, unscaled */
    uint16_t urgent;     /**< urgent pointer field */
    uint16_t source_port, destination_port;
    uint16_t options; /**< enum tcphs_option */
    uint16_t mss;     /**< bytes, valid with TCPHS_OPT_MSS */
    uint16_t ip_id;   /**< IPv4 identification; 0 = none, or not known */
    uint8_t wscale;   /**< shift count offered, valid with TCPHS_OPT_WSCALE; may exceed 14 on the wire */
    bool to_itself;   /**< both ends have the same address and port: the sender is its own peer */
    uint8_t ttl;      /**< TTL or hop limit as captured; 0 = not known */
    uint8_t from;     /**< which of the two ends sent it: 0 or 1, fixed for a connection by the caller */
};

static inline bool tcphs_has(const struct tcphs_segment *s, unsigned flags)
{
    return (s->flags & flags) == flags;
}

static inline bool tcphs_has_any(const struct tcphs_segment *s, unsigned flags)
{
    return (s->flags & flags) != 0;
}

/** It has an option of the handshake without SYN. */
static inline bool tcphs_has_misplaced_option(const struct tcphs_segment *s)
{
    return (s->options & TCPHS_OPTIONS_OF_SYN) != 0 && !tcphs_has_any(s, TCPHS_SYN);
}

/** Sequence numbers the segment occupies: payload, SYN and FIN (RFC 9293 SEG.LEN). */
static inline uint32_t tcphs_segment_space(const struct tcphs_segment *s)
{
    return s->length + (tcphs_has_any(s, TCPHS_SYN) ? 1 : 0) + (tcphs_has_any(s, TCPHS_FIN) ? 1 : 0);
}

/** An acknowledgment and nothing else: no payload, none of SYN, FIN, RST. */
static inline bool tcphs_is_pure_ack(const struct tcphs_segment *s)
{
    return s->length == 0 && tcphs_has(s, TCPHS_ACK) && !tcphs_has_any(s, TCPHS_SYN | TCPHS_FIN | TCPHS_RST);
}

#endif
