/* script.c
 * The byte format of a script, read and written by the same table of fields: a byte about the talk, then for each
 * segment three bytes of choices, the operands they ask for, and a byte of rarer facts with theirs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "script.h"

#include <string.h>

#include "seq.h"

#define MILLISECOND INT64_C(1000000)
#define LATEST (INT64_C(1) << 61)
#define ALL_OPTIONS 0x7FFu /* enum tcphs_option */

/* How a number is said. The order is the one in which the writer tries. */
enum mode { NEXT, REPEATED, BEFORE_NEXT, STEP, START, LEAP, PEER, RAW };

/* The rarer facts, and how many bytes each takes. */
enum rare {
    RARE_OPTIONS = 0x01, /* options, wscale, and the values of those that are there: timestamps, MSS */
    RARE_WINDOW = 0x02,
    RARE_LENGTH = 0x04,
    RARE_TIME = 0x08, /* milliseconds since the one before, signed */
    RARE_HOPS = 0x10, /* ttl, ip_id */
    RARE_SACK = 0x20, /* distance from the acknowledgment */
    RARE_PORTS = 0x40,
    RARE_FATE = 0x80, /* urgent, then bits: AE, quote, number lost, checksum, cut, interface, path */
};

static const uint32_t starts[2] = { 100000, 500000 };
static const uint32_t lengths[8] = { 0, 1, 10, 100, 1000, 1460, 20000, 65495 };
static const uint16_t windows[8] = { 65535, 0, 1000, 29200, 1, 512, 100, 8192 };
static const int32_t delays[4] = { 10, 0, 1000, -1 };

/* Where both ends stand. */
struct standing {
    uint32_t next[2], last_seq[2], last_ack[2];
    int64_t time;
};

/* Bytes being read or written. */
struct bytes {
    const uint8_t *in;
    uint8_t *out;
    size_t at, size;
};

static uint32_t get(struct bytes *b, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++, b->at++)
        value |= b->at < b->size ? (uint32_t)b->in[b->at] << 8 * i : 0;
    return value;
}

static void put(struct bytes *b, uint32_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        b->out[b->at++] = (uint8_t)(value >> 8 * i);
}

static unsigned operand_size(enum mode mode)
{
    return mode == STEP || mode == START ? 1 : mode == LEAP ? 2 : mode == RAW ? 4 : 0;
}

static uint32_t widened(uint32_t value, unsigned size)
{
    return size == 1 ? (uint32_t)(int8_t)value : size == 2 ? (uint32_t)(int16_t)value * 16 : value;
}

/* What a number of end `of` is counted from. */
static uint32_t base_of(const struct standing *w, enum mode mode, unsigned of, uint32_t repeated, uint32_t peer)
{
    switch (mode) {
    case NEXT:
    case STEP:
    case LEAP:
        return w->next[of];
    case REPEATED:
        return repeated;
    case BEFORE_NEXT:
        return w->next[of] - 1;
    case START:
        return starts[of];
    case PEER:
        return peer;
    case RAW:
        break;
    }
    return 0;
}

static uint32_t seq_base(const struct standing *w, enum mode mode, unsigned from)
{
    return base_of(w, mode, from, w->last_seq[from], w->last_ack[!from]);
}

static uint32_t ack_base(const struct standing *w, enum mode mode, unsigned from)
{
    return base_of(w, mode, !from, w->last_ack[from], w->last_seq[!from]);
}

static void begin(struct standing *w)
{
    for (unsigned i = 0; i < 2; i++) {
        w->next[i] = w->last_seq[i] = starts[i];
        w->last_ack[i] = starts[!i];
    }
    w->time = MILLISECOND * 1000 * 1000;
}

static void follow(struct standing *w, const struct tcphs_segment *s, bool raw)
{
    const uint32_t end = s->seq + tcphs_segment_space(s);
    if (!raw)
        w->next[s->from] = tcphs_seq_max(w->next[s->from], end);
    w->last_seq[s->from] = s->seq;
    if (tcphs_has(s, TCPHS_ACK))
        w->last_ack[s->from] = s->ack;
    w->time = s->time;
}

static void read_fate(struct bytes *b, struct fuzz_step *step)
{
    const unsigned urgent = get(b, 2), fate = get(b, 1);
    step->segment.urgent = (uint16_t)urgent;
    step->segment.flags |= fate & 0x01 ? TCPHS_AE : 0;
    step->is_quote = fate & 0x02;
    step->loses_number = fate & 0x04;
    step->bad_checksum = fate & 0x08;
    step->payload_cut = fate & 0x10;
    step->interface = fate >> 5 & 1;
    step->path = (uint8_t)(fate >> 6);
}

static void read_options(struct bytes *b, struct tcphs_segment *s)
{
    s->options = (uint16_t)(get(b, 2) & ALL_OPTIONS & ~(unsigned)TCPHS_OPT_SACK);
    s->wscale = (uint8_t)get(b, 1);
    if (s->options & TCPHS_OPT_TIMESTAMP) {
        s->ts_value = get(b, 4);
        s->ts_echo = get(b, 4);
    }
    if (s->options & TCPHS_OPT_MSS)
        s->mss = (uint16_t)get(b, 2);
}

static void read_rare(struct bytes *b, struct fuzz_step *step, unsigned rare, int32_t *delay)
{
    struct tcphs_segment *s = &step->segment;
    if (rare & RARE_OPTIONS)
        read_options(b, s);
    if (rare & RARE_WINDOW)
        s->window = (uint16_t)get(b, 2);
    if (rare & RARE_LENGTH)
        s->length = get(b, 3);
    if (rare & RARE_TIME)
        *delay = (int32_t)get(b, 4);
    if (rare & RARE_HOPS) {
        s->ttl = (uint8_t)get(b, 1);
        s->ip_id = (uint16_t)get(b, 2);
    }
    if (rare & RARE_SACK) {
        const int16_t distance = (int16_t)get(b, 2);
        s->options |= TCPHS_OPT_SACK;
        s->sack_right = (uint32_t)((int64_t)s->ack + distance);
    }
    if (rare & RARE_PORTS) {
        s->source_port = (uint16_t)get(b, 2);
        s->destination_port = (uint16_t)get(b, 2);
    }
    if (rare & RARE_FATE)
        read_fate(b, step);
}

static void read_step(struct bytes *b, struct standing *w, struct fuzz_step *step)
{
    const unsigned how = get(b, 1), flags = get(b, 1), shape = get(b, 1);
    const enum mode seq_mode = (enum mode)(how >> 4 & 7), ack_mode = (enum mode)(how >> 1 & 7);
    struct tcphs_segment *s = &step->segment;
    *step = (struct fuzz_step){ .interface = 0 };
    s->from = (uint8_t)(how >> 7);
    s->flags = (uint16_t)flags;
    s->length = lengths[shape & 7];
    s->window = windows[shape >> 3 & 7];
    s->source_port = s->destination_port = 1;
    s->seq = seq_base(w, seq_mode, s->from) + widened(get(b, operand_size(seq_mode)), operand_size(seq_mode));
    s->ack = ack_base(w, ack_mode, s->from) + widened(get(b, operand_size(ack_mode)), operand_size(ack_mode));
    if (!tcphs_has(s, TCPHS_ACK) && ack_mode == NEXT)
        s->ack = 0; /* as in the header of nearly every segment without ACK */
    int32_t delay = delays[shape >> 6];
    if (how & 1)
        read_rare(b, step, get(b, 1), &delay);
    s->time = w->time + delay * MILLISECOND;
    s->time = s->time < 0 ? 0 : s->time > LATEST ? LATEST : s->time;
    follow(w, s, seq_mode == RAW);
}

/* One socket: all its segments are of one end, and both number spaces are the same. */
static void make_talk_to_itself(struct fuzz_script *script)
{
    for (unsigned i = 0; i < script->count; i++) {
        struct tcphs_segment *s = &script->step[i].segment;
        s->to_itself = true;
        s->from = 0;
    }
}

void fuzz_decode(const uint8_t *data, size_t size, struct fuzz_script *out)
{
    struct bytes b = { .in = data, .size = size };
    struct standing w;
    begin(&w);
    const unsigned kind = get(&b, 1);
    for (out->count = 0; out->count < FUZZ_STEPS && b.at < size; out->count++)
        read_step(&b, &w, &out->step[out->count]);
    if (kind & 1)
        make_talk_to_itself(out);
}

/* The writer. --------------------------------------------------------------------------------------------------- */

static unsigned index_of(uint32_t value, const uint32_t *table, unsigned count)
{
    unsigned i = 0;
    while (i < count && table[i] != value)
        i++;
    return i;
}

static bool fits(uint32_t value, unsigned size)
{
    if (size == 1)
        return value == (uint32_t)(int8_t)value;
    if (size == 2)
        return value % 16 == 0 && value == (uint32_t)(int16_t)((int32_t)value / 16) * 16;
    return size == 4 || value == 0;
}

typedef uint32_t (*base_function)(const struct standing *w, enum mode mode, unsigned from);

static enum mode mode_for(const struct standing *w, uint32_t number, base_function base, unsigned from)
{
    enum mode mode = NEXT;
    while (!fits(number - base(w, mode, from), operand_size(mode)))
        mode++;
    return mode;
}

static void put_operand(struct bytes *b, uint32_t value, enum mode mode)
{
    const unsigned size = operand_size(mode);
    put(b, size == 2 ? (uint32_t)((int32_t)value / 16) : value, size);
}

static unsigned rare_of(const struct fuzz_step *step)
{
    const struct tcphs_segment *s = &step->segment;
    const bool fated = step->is_quote || step->loses_number || step->bad_checksum || step->payload_cut ||
                       step->interface || step->path;
    unsigned rare = 0;
    rare |= s->options & ~TCPHS_OPT_SACK ? RARE_OPTIONS : 0;
    rare |= s->options & TCPHS_OPT_SACK ? RARE_SACK : 0;
    rare |= s->ttl || s->ip_id ? RARE_HOPS : 0;
    rare |= s->source_port != 1 || s->destination_port != 1 ? RARE_PORTS : 0;
    rare |= s->urgent || tcphs_has(s, TCPHS_AE) || fated ? RARE_FATE : 0;
    return rare;
}

static void write_options(struct bytes *b, const struct tcphs_segment *s)
{
    put(b, s->options | (uint32_t)s->wscale << 16, 3);
    if (s->options & TCPHS_OPT_TIMESTAMP) {
        put(b, s->ts_value, 4);
        put(b, s->ts_echo, 4);
    }
    if (s->options & TCPHS_OPT_MSS)
        put(b, s->mss, 2);
}

static void write_rare(struct bytes *b, const struct fuzz_step *step, unsigned rare, int32_t delay)
{
    const struct tcphs_segment *s = &step->segment;
    put(b, rare, 1);
    if (rare & RARE_OPTIONS)
        write_options(b, s);
    if (rare & RARE_WINDOW)
        put(b, s->window, 2);
    if (rare & RARE_LENGTH)
        put(b, s->length, 3);
    if (rare & RARE_TIME)
        put(b, (uint32_t)delay, 4);
    if (rare & RARE_HOPS)
        put(b, s->ttl | (uint32_t)s->ip_id << 8, 3);
    if (rare & RARE_SACK)
        put(b, s->sack_right - s->ack, 2);
    if (rare & RARE_PORTS)
        put(b, s->source_port | (uint32_t)s->destination_port << 16, 4);
    if (rare & RARE_FATE) {
        const unsigned fate = (tcphs_has(s, TCPHS_AE) ? 0x01 : 0) | (step->is_quote ? 0x02 : 0) |
                              (step->loses_number ? 0x04 : 0) | (step->bad_checksum ? 0x08 : 0) |
                              (step->payload_cut ? 0x10 : 0);
        put(b, s->urgent | fate << 16 | (uint32_t)step->interface << 21 | (uint32_t)step->path << 22, 3);
    }
}

static void write_step(struct bytes *b, struct standing *w, const struct fuzz_step *step)
{
    const struct tcphs_segment *s = &step->segment;
    const enum mode seq_mode = mode_for(w, s->seq, seq_base, s->from);
    const bool no_ack = !tcphs_has(s, TCPHS_ACK) && s->ack == 0;
    enum mode ack_mode = no_ack ? NEXT : mode_for(w, s->ack, ack_base, s->from);
    if (!tcphs_has(s, TCPHS_ACK) && s->ack != 0 && ack_mode == NEXT)
        ack_mode = RAW;
    unsigned rare = rare_of(step);
    const int32_t delay = (int32_t)((s->time - w->time) / MILLISECOND);
    unsigned length = index_of(s->length, lengths, 8), window = 0, wait = 0;
    while (window < 8 && windows[window] != s->window)
        window++;
    while (wait < 4 && delays[wait] != delay)
        wait++;
    rare |= (length == 8 ? RARE_LENGTH : 0) | (window == 8 ? RARE_WINDOW : 0) | (wait == 4 ? RARE_TIME : 0);
    put(b, (uint32_t)s->from << 7 | (uint32_t)seq_mode << 4 | (uint32_t)ack_mode << 1 | (rare ? 1 : 0), 1);
    put(b, s->flags & 0xFF, 1);
    put(b, (length & 7) | (window & 7) << 3 | (wait & 3) << 6, 1);
    put_operand(b, s->seq - seq_base(w, seq_mode, s->from), seq_mode);
    put_operand(b, no_ack ? 0 : s->ack - ack_base(w, ack_mode, s->from), ack_mode);
    if (rare)
        write_rare(b, step, rare, delay);
    follow(w, s, seq_mode == RAW);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through b.out */
size_t fuzz_encode(const struct fuzz_script *script, uint8_t *out)
{
    struct bytes b = { .out = out };
    struct standing w;
    begin(&w);
    put(&b, script->count > 0 && script->step[0].segment.to_itself, 1);
    for (unsigned i = 0; i < script->count; i++)
        write_step(&b, &w, &script->step[i]);
    return b.at;
}
