/* tcp_header.c
 * Reads the fixed header and those options that tcphs judges by. Of what was cut off or makes no sense it takes what
 * accuses nobody.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/tcp_header.h"

#include "seq.h"

/* Highest right edge of a SACK option's blocks. */
static void read_sack(struct tcphs_segment *s, const guint8 *blocks, unsigned length)
{
    for (unsigned i = 0; i + 8 <= length; i += 8) {
        const guint32 right = tcphs_get32(blocks + i + 4);
        if (!(s->options & TCPHS_OPT_SACK) || tcphs_seq_after(right, s->sack_right))
            s->sack_right = right;
        s->options |= TCPHS_OPT_SACK;
    }
}

static void read_timestamps(struct tcphs_segment *s, const guint8 *values)
{
    s->ts_value = tcphs_get32(values);
    s->ts_echo = tcphs_get32(values + 4);
    s->options |= TCPHS_OPT_TIMESTAMP;
}

/* Kinds as assigned by IANA. */
enum {
    MSS = 2,
    WSCALE = 3,
    SACK_PERMITTED = 4,
    SACK = 5,
    TIMESTAMP = 8,
    MD5 = 19,
    AUTHENTICATION = 29,
    MULTIPATH = 30,
    FASTOPEN = 34,
    EXPERIMENT = 254
};

/* Fast Open before it had a number (RFC 7413 appendix): its magic number stands first in an experimental option. */
#define FASTOPEN_MAGIC 0xF989

/* Options of which it is enough that they are there, with the lengths that they may have, kind and length included. */
static const struct {
    guint8 kind, least, most;
    guint16 bit;
} marks[] = {
    { SACK_PERMITTED, 2, 2, TCPHS_OPT_SACK_PERMITTED },
    { MD5, 18, 18, TCPHS_OPT_MD5 },
    { AUTHENTICATION, 4, 40, TCPHS_OPT_AO },
    { MULTIPATH, 2, 40, TCPHS_OPT_MULTIPATH },
    { FASTOPEN, 2, 40, TCPHS_OPT_FASTOPEN },
};

static void read_mark(struct tcphs_segment *s, unsigned kind, unsigned length)
{
    unsigned i = 0;
    while (i < array_length(marks) && marks[i].kind != kind)
        i++;
    if (i < array_length(marks) && length >= marks[i].least && length <= marks[i].most)
        s->options |= marks[i].bit;
}

/* MP_CAPABLE, RFC 8684 section 3.1. */
static inline bool is_mp_capable(const guint8 *option, unsigned length)
{
    return option[0] == MULTIPATH && length >= 3 && option[2] >> 4 == 0;
}

/* An option whose length is not the one it must have says nothing. */
static void read_option(struct tcphs_segment *s, const guint8 *option, unsigned length)
{
    if (option[0] == MSS && length == 4) {
        s->mss = tcphs_get16(option + 2);
        s->options |= TCPHS_OPT_MSS;
    } else if (option[0] == WSCALE && length == 3) {
        s->wscale = option[2];
        s->options |= TCPHS_OPT_WSCALE;
    } else if (option[0] == SACK) {
        read_sack(s, option + 2, length - 2);
    } else if (option[0] == TIMESTAMP && length == 10) {
        read_timestamps(s, option + 2);
    } else if (is_mp_capable(option, length)) {
        s->options |= TCPHS_OPT_MULTIPATH | TCPHS_OPT_MP_CAPABLE;
    } else if (option[0] == EXPERIMENT && length >= 4 && tcphs_get16(option + 2) == FASTOPEN_MAGIC) {
        s->options |= TCPHS_OPT_FASTOPEN;
    } else {
        read_mark(s, option[0], length);
    }
}

/* A malformed option ends the walk: what comes after it cannot be told from noise. */
static void read_options(struct tcphs_segment *s, const guint8 *options, unsigned length)
{
    enum { STAMP_ALONE = 12, STAMP_ALIGNED = 0x0101080A };
    /* As in nearly every segment (RFC 7323 appendix A). */
    if (length == STAMP_ALONE && tcphs_get32(options) == STAMP_ALIGNED) {
        read_timestamps(s, options + 4);
        return;
    }
    for (unsigned i = 0; i < length && options[i] != 0;) {
        if (options[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= length || options[i + 1] < 2 || i + options[i + 1] > length)
            return;
        read_option(s, options + i, options[i + 1]);
        i += options[i + 1];
    }
}

void tcphs_tcp_read(const guint8 *tcp, int captured, struct tcphs_segment *s)
{
    const int length = tcphs_tcp_length(tcp);
    s->seq = tcphs_get32(tcp + 4);
    s->ack = tcphs_get32(tcp + 8);
    s->flags = tcphs_get16(tcp + 12) & 0x1FF;
    s->window = tcphs_get16(tcp + 14);
    if (captured >= TCPHS_TCP_FIXED)
        s->urgent = tcphs_get16(tcp + 18);
    else if (s->flags & TCPHS_URG)
        s->urgent = 1; /* cut off: nothing can be said against it */
    if (captured >= length)
        read_options(s, tcp + TCPHS_TCP_FIXED, (unsigned)(length - TCPHS_TCP_FIXED));
    else
        s->options = TCPHS_OPTIONS_CUT;
}
