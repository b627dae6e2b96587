/* state.h
 * What an observer knows of one TCP connection: two ends, what each has sent, heard and granted, and what is suspected.
 * Filled by process.h and those above it; only looked at here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_STATE_H
#define TCPHS_STATE_H

#include "enums.h"
#include "seq.h"
#include "segment.h"

#define TCPHS_SECOND INT64_C(1000000000)

/** What is known of an end; bits of tcphs_end.known. */
enum tcphs_known {
    /* what it has sent */
    TCPHS_KNOWS_ISS = 1 << 0,  /**< its SYN or SYN-ACK was captured, or the peer's answer to it */
    TCPHS_KNOWS_SENT = 1 << 1, /**< snd_nxt and snd_una hold */
    TCPHS_SENT_ANYTHING = 1 << 2,
    TCPHS_SENT_UNSURE = 1 << 3,  /**< snd_nxt is what an empty segment said: the bytes before it were not captured */
    TCPHS_SENT_SYN = 1 << 4,     /**< a bare SYN was captured */
    TCPHS_SENT_SYN_ACK = 1 << 5, /**< an acceptable SYN-ACK was captured */
    TCPHS_ANSWERED_SYN_ACK = 1 << 6, /**< it has sent data or an ACK since its own SYN-ACK */
    TCPHS_DATA_ACKED = 1 << 7,       /**< at least one payload byte of it was acknowledged */
    /* what its SYN offered */
    TCPHS_SAW_SYN_OPTIONS = 1 << 8, /**< the options of its SYN were captured whole */
    TCPHS_OFFERED_SCALE = 1 << 9,
    TCPHS_ASKED_FASTOPEN = 1 << 10,
    /* what it has heard and grants */
    TCPHS_KNOWS_HEARD = 1 << 11,    /**< rcv_nxt holds */
    TCPHS_HELD_OVERFLOW = 1 << 12,  /**< more holes than held[] can tell: rcv_nxt may lag */
    TCPHS_SENT_SACK = 1 << 13,      /**< sack_right holds */
    TCPHS_KNOWS_WINDOW = 1 << 14,   /**< rcv_edge and max_window hold */
    TCPHS_KNOWS_GRANT = 1 << 15,    /**< granted_edge and granted_ack hold */
    TCPHS_OFFERS_NOTHING = 1 << 16, /**< the window it offered last was zero */
    /* its FIN */
    TCPHS_FIN_SENT = 1 << 17,  /**< fin_seq holds */
    TCPHS_FIN_HEARD = 1 << 18, /**< it is in sequence at the peer */
    TCPHS_FIN_ACKED = 1 << 19,
    TCPHS_FIN_ASSUMED = 1 << 20,  /**< it was not captured but acknowledged */
    TCPHS_FIN_REPEATED = 1 << 21, /**< it came again and waits for its ACK */
    /* its acknowledgment of more than was captured */
    TCPHS_UNSEEN_ACK_OPEN = 1 << 22,        /**< not refuted at once: unseen bytes would explain it */
    TCPHS_UNSEEN_ACK_TAKEN_BACK = 1 << 23,  /**< it went on to send new data that acknowledges less */
    TCPHS_UNSEEN_ACK_HAS_FIN = 1 << 24,     /**< it came with a FIN, at snd_nxt - 1 */
    TCPHS_UNSEEN_ACK_BROUGHT_FIN = 1 << 25, /**< its FIN came with the acknowledgment that made us assume the peer's */
    /* its segments that do not fit */
    TCPHS_FOREIGN_IS_SYN_ACK = 1 << 26, /**< foreign_seq is of a SYN-ACK, and foreign_end what it acknowledged */
    TCPHS_FOREIGN_HAS_NO_SYN =
        1 << 27,                 /**< foreign_seq is of a segment without SYN, and foreign_end what it acknowledged */
    TCPHS_SYN_REFUSED = 1 << 28, /**< its other SYN was refused: it may be a half-open peer */
    TCPHS_CHALLENGE_OF_RST = 1 << 29,     /**< challenge_frame is a RST not yet accused */
    TCPHS_KNOWS_ACCEPTED_CLOCK = 1 << 30, /**< accepted_clock holds */
};

/** What is believed of an end, or known of it by what it has done since; bits of tcphs_end.beliefs. */
enum tcphs_belief {
    TCPHS_SENT_ACK = 1 << 0,      /**< it has sent more than SYN, SYN-ACK and RST: its SYN was answered, beyond doubt */
    TCPHS_OPENED_UNSEEN = 1 << 1, /**< the end of the handshake is assumed, by this end's FIN or RST far beyond it */
    TCPHS_FIN_BEHIND_GAP = 1 << 3,    /**< its FIN counts, but came with an acknowledgment of what was not captured */
    TCPHS_CHALLENGE_OF_ACK = 1 << 4,  /**< challenge_frame is an ACK that should complete the handshake */
    TCPHS_CHALLENGE_OF_DATA = 1 << 5, /**< challenge_frame is data a little beyond the window */
    TCPHS_AHEAD_OF_SYN_ACK = 1 << 7,  /**< its ACK was captured before the SYN-ACK that it acknowledges */
    TCPHS_HAS_ASKED = 1 << 6,         /**< since challenge_frame it has sent something else that wants an answer */
    TCPHS_IS_TIMED = 1 << 2,          /**< timed_end and timed_clock hold */
    TCPHS_TS_WAS_MISSING = 1 << 8,    /**< it has sent a segment without the timestamps that were agreed on */
    TCPHS_SIGNS = 1 << 9,             /**< it has sent a segment with TCP MD5 or AO that its peer took */
};

#define TCPHS_HELD 3
#define TCPHS_RECENT_ACKS 4

/** One endpoint. All numbers are raw sequence numbers; the names are those of RFC 9293 section 3.3.1. Lifetime: file,
 * in its connection. */
struct tcphs_end {
    /* What each segment changes or asks for. */
    uint32_t snd_nxt;                        /**< end of the highest byte it was seen to send, SYN and FIN included */
    uint32_t snd_una;                        /**< highest acknowledgment its peer gave that it would accept */
    uint32_t rcv_nxt;                        /**< next byte it expects, believing that what was captured is heard */
    uint32_t rcv_ack;                        /**< highest acknowledgment it sent */
    uint32_t recent_acks[TCPHS_RECENT_ACKS]; /**< the last different acknowledgments it sent, valid with KNOWS_HEARD */
    uint32_t rcv_edge;                       /**< highest right window edge it ever granted */
    uint32_t granted_edge;                   /**< the same, only as far as it said so itself with the scale known … */
    uint32_t granted_ack; /**< … and what it acknowledged then: beyond this, a lower edge takes back what was offered */
    uint32_t max_window;       /**< largest window it ever granted, scaled */
    uint32_t known;            /**< enum tcphs_known */
    uint32_t beliefs;          /**< enum tcphs_belief */
    uint32_t unseen_ack_frame; /**< it acknowledged more than its peer was seen to send in this frame; 0 = none, or
                                  settled */
    uint32_t foreign_frame;   /**< it sent a segment in this frame whose numbers do not fit this connection; 0 = none */
    uint32_t challenge_frame; /**< its last segment that RFC 5961 lets the peer challenge; 0 = none */
    uint32_t accepted_clock;  /**< when it last sent what its peer accepts, see tcphs_clock */
    uint32_t timed_end;       /**< it sent bytes up to here … */
    uint32_t timed_clock;     /**< … then: the answer will tell how far the peer is */
    uint32_t
        answer_time; /**< least time in us from a segment passing here to its answer by this end passing; 0 = unknown */
    uint32_t held[TCPHS_HELD][2];  /**< out-of-order data it has heard: [left, right), unused when equal */
    uint8_t state;                 /**< enum tcphs_state; written by process.c alone */
    uint8_t before_rst;            /**< the state that a RST has ended, in case it proves to be none; likewise */
    uint8_t wscale;                /**< shift it offered, at most 14 */
    uint8_t ttl, ttl_steady;       /**< of its last segment, and how many had it; TCPHS_MIXED = not all of them */
    uint8_t hops_least, hops_most; /**< of all of them, valid once there was one */
    uint16_t ip_id;                /**< of its last segment … */
    uint16_t last_window;          /**< … the window field of that, as on the wire … */
    uint8_t ip_id_steps;           /**< … and how many small steps in a row led to that id */
    uint8_t repeats; /**< how often it has sent again what is not acknowledged, with no word of its peer meanwhile */
    /* What its last SYN or SYN-ACK offered. */
    uint8_t wscale_offered; /**< shift as on the wire, valid with TCPHS_OPT_WSCALE in offered */
    uint16_t mss;           /**< bytes, valid with TCPHS_OPT_MSS in offered */
    uint16_t offered; /**< enum tcphs_option with its ECN bits, see tcphs_offer_of (handshake_options.h); and … */
    uint16_t offered_ever; /**< … of all its SYNs together */
    /* Timestamps (RFC 7323), once both have agreed on them; 0 = not known, or 0, which common kernels take for none. */
    uint16_t ts_day;    /**< the day on which ts_recent was learned, modulo 2^16 */
    uint32_t ts_recent; /**< TS.Recent: of its peer's segments; before that it has sent no ACK, the first SYN's */
    uint32_t ts_sent;   /**< TSval of the last segment it has sent that began at SND.NXT or beyond */
    /* What is rarely asked for. */
    uint32_t iss;
    uint32_t fin_seq;
    uint32_t sack_right;
    uint32_t unseen_ack;       /**< what it acknowledged in unseen_ack_frame */
    uint32_t unseen_ack_clock; /**< when */
    uint32_t unseen_ack_left;  /**< where its bytes begin that came with that acknowledgment, or one like it before */
    uint32_t foreign_seq;      /**< where the segment in foreign_frame stood … */
    uint32_t foreign_end;      /**< … and the number behind all that SYN occupies, or what it acknowledged */
    uint32_t challenge_seq;    /**< where the segment in challenge_frame stood */
};

/** One more SYN-ACK of an attempt, with other numbers: of several the one counts that the client goes on with.
 * Lifetime: file, in its connection. */
struct tcphs_alternative {
    int64_t time;
    uint32_t iss, frame; /**< frame 0 = none */
    uint16_t window;
    uint16_t options; /**< tcphs_offer_of (handshake_options.h) */
    uint16_t mss;
    uint8_t wscale;
};

#define TCPHS_ALTERNATIVES 2

/** Facts about the connection as a whole; bits of tcphs_connection.facts. */
enum tcphs_fact {
    TCPHS_MIDSTREAM_START = 0x0001, /**< its first segment was no SYN or SYN-ACK */
    TCPHS_WAS_ESTABLISHED = 0x0002,
    TCPHS_IS_RESET = 0x0004,   /**< an accepted RST, and nobody has gone on since */
    TCPHS_HAD_FAILED = 0x0008, /**< the event was given */
    TCPHS_HAD_ENDED = 0x0010,
    TCPHS_ASSUMED = 0x0020,
    TCPHS_GAPS = 0x0040,          /**< bytes were acknowledged that were never captured */
    TCPHS_BAD_SYN_ACK = 0x0080,   /**< not repaired so far */
    TCPHS_BAD_FINAL_ACK = 0x0100, /**< not repaired so far */
    TCPHS_CHALLENGED = 0x0200,
    TCPHS_CROSSED_FINS = 0x0400,
    TCPHS_REPEATED_SYN_ACK = 0x0800, /**< a repeated SYN-ACK waits for its ACK */
    TCPHS_FIN_BEFORE_RST = 0x1000,
    TCPHS_REUSES_PORTS = 0x2000, /**< the same addresses and ports carried a connection before */
    TCPHS_MULTIPATH = 0x4000, /**< a subflow of Multipath TCP: its windows are those of all subflows (RFC 8684 3.3.1) */
    TCPHS_HAD_SEGMENT = 0x8000,    /**< at least one segment was fed */
    TCPHS_HAD_OPENED = 0x10000,    /**< the event was given */
    TCPHS_ACK_NOT_TAKEN = 0x20000, /**< the server has repeated its SYN-ACK after the ACK that completes it, and has
                                      said nothing since that shows that it took it */
    TCPHS_HAD_FINAL_ACK = 0x40000, /**< the ACK that completes the handshake was captured */
};

enum tcphs_link { TCPHS_LINK_SYN, TCPHS_LINK_SYNACK, TCPHS_LINK_ACK, TCPHS_LINK_FIN, TCPHS_LINK_RST, TCPHS_LINKS };

#define TCPHS_NO_END 2

/** What both ends agreed on; bits of tcphs_connection.agreed and tcphs_handshake_options.agreed. */
enum tcphs_agreed {
    TCPHS_AGREED_WINDOW_SCALE = 0x01,
    TCPHS_AGREED_SACK = 0x02,
    TCPHS_AGREED_TIMESTAMPS = 0x04,
    TCPHS_AGREED_ECN = 0x08,
    TCPHS_AGREED_MPTCP = 0x10,
    TCPHS_AGREED_KNOWN = 0x20, /**< a SYN and the SYN-ACK that answers it were captured whole: a bit not set is a no */
};

/** No more often are the links of a connection changed: what is told again of a frame must find each change. */
#define TCPHS_MOST_LINK_CHANGES 16

/** Stands for the number of a frame that a read filter has rejected and whose number another frame has got. */
#define TCPHS_UNNUMBERED_FRAME UINT32_MAX

/** One connection and all that is believed of it. Lifetime: file. */
struct tcphs_connection {
    int64_t last_time;         /**< of the last segment fed */
    uint32_t facts;            /**< enum tcphs_fact */
    uint32_t early_data_frame; /**< server data captured before any final ACK; 0 = none */
    struct tcphs_end end[2];
    int64_t first_syn_time, last_syn_time, last_synack_time;
    int64_t rst_time;            /**< of the accepted RST */
    int64_t round_trip;          /**< from the handshake; -1 unknown */
    uint32_t links[TCPHS_LINKS]; /**< the accepted segment of each kind: frame number, 0 = none */
    uint32_t established_frame, end_frame, icmp_frame;
    uint32_t inferred_synack_frame; /**< the client's ACK by which an unseen SYN-ACK was inferred: the server's iss is
                                       from it */
    uint32_t assumed_open_frame;    /**< the FIN or RST by which the end of the handshake is assumed; 0 = none */
    uint32_t rst_frame;             /**< the accepted RST that holds now */
    uint32_t rst_seq;
    uint32_t rst_peer_nxt; /**< SND.NXT of its receiver at that moment */
    uint32_t burst_frame;  /**< first RST of a burst; 0 = none */
    uint32_t burst_seq;    /**< last RST of the burst */
    int64_t burst_time;
    struct tcphs_alternative alternatives[TCPHS_ALTERNATIVES];
    int64_t foreign_time; /**< of the last SYN kept as foreign_seq … */
    int64_t retry_time;   /**< … and of the first one of that number; of how many, and of which end, see below */
    uint32_t retry_iss, retry_frame;
    uint16_t syn_count, synack_count, retry_count, retry_window;
    uint8_t client;               /**< 0, 1, or TCPHS_NO_END */
    uint8_t first_closer;         /**< end that sent the first accepted FIN or RST; TCPHS_NO_END = none */
    uint8_t rst_from, rst_origin; /**< enum tcphs_origin of it */
    uint8_t burst_from, burst_count;
    uint16_t retry_options, retry_mss;
    uint32_t retry_ts_first, retry_ts_last; /**< TSval of the first and of the last SYN of that number */
    uint8_t retry_from, retry_wscale;
    uint8_t agreed;       /**< enum tcphs_agreed, as of the last SYN-ACK */
    uint8_t link_changes; /**< how often a link was changed, see tcphs_change_link */
    bool rst_sender_went_on;
    bool rst_doubtful;   /**< it was at the last acknowledgment seen, not at all that its receiver may have heard */
    bool rst_peer_known; /**< rst_peer_nxt holds */
};

/** Capture time in microseconds modulo 2^32: enough to measure spans of an hour in half the room. */
static inline uint32_t tcphs_clock(int64_t time)
{
    return (uint32_t)(time / 1000);
}

/** What the SYN or SYN-ACK of each end offered, and what both agreed on. All zero: nothing is shown of it. Lifetime:
 * that of its outcome. */
struct tcphs_handshake_options {
    uint16_t mss[2];            /**< bytes, by end; valid with its bit of has_mss */
    uint8_t window_scale[2];    /**< shift as on the wire, by end; valid with its bit of has_scale */
    uint8_t has_mss, has_scale; /**< bit per end */
    uint16_t agreed;            /**< enum tcphs_agreed; two bytes, so that no padding is in what is compared */
};

/** Stage of the connection as it stands. */
enum tcphs_stage tcphs_connection_stage(const struct tcphs_connection *c);

/** Role of an end: client, server or unknown. */
static inline enum tcphs_role tcphs_connection_role(unsigned client, unsigned end)
{
    if (client >= TCPHS_NO_END)
        return TCPHS_ROLE_UNKNOWN;
    return client == end ? TCPHS_ROLE_CLIENT : TCPHS_ROLE_SERVER;
}

static inline bool tcphs_is_reset(const struct tcphs_connection *c)
{
    return (c->facts & TCPHS_IS_RESET) != 0;
}

/** ESTABLISHED or any state after it: the end knows both initial sequence numbers and has them confirmed. */
static inline bool tcphs_is_synchronised(unsigned state)
{
    return state >= TCPHS_ESTABLISHED && state <= TCPHS_TIME_WAIT;
}

/** One end's SYN had no window scale option, which settles it for both (RFC 7323 2.2). */
bool tcphs_has_no_scale(const struct tcphs_connection *c);

/** The capture has the scale of both ends' windows, or knows that there is none. */
static inline bool tcphs_scale_is_known(const struct tcphs_connection *c)
{
    return (c->end[0].known & c->end[1].known & TCPHS_SAW_SYN_OPTIONS) || tcphs_has_no_scale(c);
}

/** The window granted by a segment without SYN, when the scale of both ends is known. */
static inline uint32_t tcphs_scaled_window(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    const bool scaled = c->end[0].known & c->end[1].known & TCPHS_OFFERED_SCALE;
    return scaled ? (uint32_t)s->window << c->end[s->from].wscale : s->window;
}

/** The window an end granted in this segment, scaled as far as the capture knows the scale. */
uint32_t tcphs_granted_window(const struct tcphs_connection *c, const struct tcphs_segment *s);

static inline bool tcphs_knows(const struct tcphs_end *e, unsigned what)
{
    return (e->known & what) == what;
}

/** The end has closed by a FIN that was captured: its place is certain. */
static inline bool tcphs_fin_is_certain(const struct tcphs_end *e)
{
    return (e->known & (TCPHS_FIN_SENT | TCPHS_FIN_ASSUMED)) == TCPHS_FIN_SENT;
}

/** The end has sent a segment, without SYN, of numbers that do not fit; nothing has explained or refused it yet. */
static inline bool tcphs_has_foreign_segment(const struct tcphs_end *e)
{
    return e->foreign_frame != 0 && tcphs_knows(e, TCPHS_FOREIGN_HAS_NO_SYN);
}

/** Does an acknowledgment with this right edge take back a part of the window that its sender had offered? */
bool tcphs_takes_window_back(const struct tcphs_end *x, uint32_t ack, uint32_t edge);

/** Closed by both FINs, or by a RST. */
bool tcphs_has_ended(const struct tcphs_connection *c);

#endif
