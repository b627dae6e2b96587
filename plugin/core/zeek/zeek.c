/* zeek.c
 * Zeek's TCP machine: letters of the history, states of originator and responder, timers. Follows the order of Zeek's
 * own steps, as letters and states depend on it; the streams' bytes are in zeek_bytes.c.
 * Functions stand for the functions of Zeek that they follow, and some ask as many questions as these.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "zeek/zeek.h"

#include <string.h>

#include "seq.h"
#include "tcp/state.h"

enum zeek_state { INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET };
enum { ORIGINATOR, RESPONDER };

/* Zeek's defaults. */
#define ATTEMPT_DELAY (5 * TCPHS_SECOND)
#define CLOSE_DELAY (5 * TCPHS_SECOND)
#define LOOK_FIRST (5 * TCPHS_SECOND)
#define LOOK_AGAIN (6 * TCPHS_SECOND)
enum { PATIENCE_OPENING = 60, PATIENCE = 300, PATIENCE_LOGIN = 3600 };
enum { FAR_JUMP = 1 << 20, FIRST_FLIGHT = 16384, MOST_KEPT = 10 << 20, LARGEST_SCALE = 14 };

/* One segment on its way through the machine. `role` is its sender's, which changes when the roles are swapped.
 * Lifetime: one call. */
struct passing {
    struct tcphs_zeek *z;
    const struct tcphs_zeek_input *in;
    const struct tcphs_segment *s;
    uint64_t rel; /* of its sequence number */
    uint64_t rel_ack;
    uint32_t end; /* number behind all it occupies */
    unsigned role;
    unsigned came_from; /* the sender's role before any swap: Zeek does not look again */
    bool underflow;
    bool closes, close_event;
};

static struct tcphs_zeek_end *sender(const struct passing *p)
{
    return &p->z->end[p->role];
}

static struct tcphs_zeek_end *peer(const struct passing *p)
{
    return &p->z->end[!p->role];
}

static bool is(const struct passing *p, unsigned flags)
{
    return tcphs_has_any(p->s, flags);
}

static bool is_opening(unsigned state)
{
    return state <= SYN_ACK_SENT;
}

/* History ------------------------------------------------------------------------------------------------------- */

static void append(struct tcphs_zeek *z, char letter, tcphs_grow grow)
{
    if (z->history == NULL && z->history_length + 2 > sizeof z->brief) {
        z->history_room = 4 * TCPHS_ZEEK_BRIEF;
        z->history = grow(NULL, 0, z->history_room);
        memcpy(z->history, z->brief, sizeof z->brief);
    } else if (z->history != NULL && z->history_length + 2 > z->history_room) {
        const uint32_t room = z->history_room * 2;
        z->history = grow(z->history, z->history_room, room);
        z->history_room = room;
    }
    char *history = z->history != NULL ? z->history : z->brief;
    history[z->history_length++] = letter;
    history[z->history_length] = '\0';
}

static void append_as(const struct passing *p, unsigned role, char capital)
{
    append(p->z, role == ORIGINATOR ? capital : (char)(capital - 'A' + 'a'), p->in->grow);
}

static void swap_roles(struct tcphs_zeek *z)
{
    const struct tcphs_zeek_end originator = z->end[ORIGINATOR];
    z->end[ORIGINATOR] = z->end[RESPONDER];
    z->end[RESPONDER] = originator;
    z->originator = !z->originator;
    z->passed = (uint8_t)((z->passed & 1) << 1 | z->passed >> 1);
    z->is_partial = false;
}

/* Letters that come at the 1st, 10th, 100th … time. */
static void count_letter(const struct passing *p, unsigned role, enum tcphs_zeek_counted which)
{
    static const char letters[TCPHS_ZEEK_COUNTED] = { 'C', 'T', 'W', 'G' };
    uint32_t count = ++p->z->end[role].counted[which];
    while (count % 10 == 0)
        count /= 10;
    if (count == 1)
        append_as(p, role, letters[which]);
}

/* The bits of tcphs_zeek.seen. */
enum {
    SEEN_OPEN = 0x1,
    SEEN_FIN = 0x2,
    SEEN_RST = 0x4,
    SEEN_BOTH_ENDS = 0x8,
    SEEN_DATA = 0x10,
    SEEN_ACK = 0x20,
    SEEN_BAD = 0x40
};

static bool first_time(const struct passing *p, unsigned bit)
{
    const uint32_t own = p->role == ORIGINATOR ? bit : bit << 16;
    const bool first = (p->z->seen & own) == 0;
    p->z->seen |= own;
    return first;
}

/* S, H, F and R come again when they come at another number. */
static void log_once_per_number(const struct passing *p, unsigned bit, unsigned slot, uint64_t at, char letter)
{
    uint32_t *logged = &sender(p)->logged_at[slot];
    if (!first_time(p, bit) && (uint32_t)at == *logged)
        return;
    *logged = (uint32_t)at;
    append_as(p, p->role, letter);
}

/* A connection that began with a lone SYN-ACK: whatever follows shows who had asked. */
static void turn_lone_synack(struct passing *p)
{
    struct tcphs_zeek *z = p->z;
    if (z->history_length != 1 || z->brief[0] != 'H')
        return;
    swap_roles(z);
    p->role = !p->role;
    z->history_length = 0;
    append(z, '^', p->in->grow);
    append(z, 'h', p->in->grow);
    z->passed |= 1;
}

static void log_contradiction(struct passing *p, bool ends_twice)
{
    if (first_time(p, ends_twice ? SEEN_BOTH_ENDS : SEEN_BAD))
        append_as(p, p->role, ends_twice ? 'I' : 'Q');
}

static void log_data_or_ack(struct passing *p)
{
    const bool data = p->s->length > 0;
    turn_lone_synack(p);
    if (first_time(p, data ? SEEN_DATA : SEEN_ACK))
        append_as(p, p->role, data ? 'D' : 'A');
}

static void log_flags(struct passing *p)
{
    const bool ends_twice = is(p, TCPHS_FIN) && is(p, TCPHS_RST);
    if (ends_twice || (is(p, TCPHS_SYN) && is(p, TCPHS_FIN | TCPHS_RST))) {
        log_contradiction(p, ends_twice);
    } else if (is(p, TCPHS_SYN)) {
        log_once_per_number(p, SEEN_OPEN, 0, p->rel, is(p, TCPHS_ACK) ? 'H' : 'S');
    } else if (is(p, TCPHS_FIN)) {
        log_once_per_number(p, SEEN_FIN, 1, p->rel + p->s->length, 'F');
    } else if (is(p, TCPHS_RST)) {
        log_once_per_number(p, SEEN_RST, 2, p->rel, 'R');
    } else if (p->s->length > 0 || is(p, TCPHS_ACK)) {
        log_data_or_ack(p);
    }
}

/* Numbers ------------------------------------------------------------------------------------------------------- */

/* Sequence number counted from the end's SYN, wraps included; false when it lies before that. */
static bool relative(uint32_t number, uint32_t reference, uint16_t wraps, uint32_t start, uint64_t *out)
{
    const int32_t distance = tcphs_seq_diff(number, reference);
    unsigned w = wraps;
    if (distance < 0 && w > 0 && tcphs_seq_wrapped(reference, number))
        w--;
    else if (distance > 0 && tcphs_seq_wrapped(number, reference))
        w++;
    if (w > 0) {
        *out = ((uint64_t)w << 32) + number - start;
        return true;
    }
    const int32_t behind = tcphs_seq_diff(number, start);
    *out = (uint64_t)(int64_t)behind;
    return behind >= 0;
}

static void start_at(struct tcphs_zeek_end *e, uint32_t start, uint32_t last)
{
    e->start = e->acked = start;
    e->last = last;
}

static bool begins_with_syn(const struct tcphs_zeek_end *e, uint32_t seq)
{
    switch ((enum zeek_state)e->state) {
    case INACTIVE:
    case ESTABLISHED:
    case PARTIAL:
        return true;
    case SYN_SENT:
    case SYN_ACK_SENT:
        return seq != e->start;
    case RESET:
        return e->before == INACTIVE;
    case CLOSED:
        break;
    }
    return false;
}

static void begin_numbers(const struct passing *p)
{
    struct tcphs_zeek_end *e = sender(p);
    const uint32_t seq = p->s->seq;
    if (!is(p, TCPHS_SYN)) {
        if (e->state == INACTIVE)
            start_at(e, seq - 1, seq);
    } else if (begins_with_syn(e, seq)) {
        start_at(e, seq, p->end);
    }
}

static void take_ack(struct passing *p)
{
    struct tcphs_zeek_end *e = peer(p);
    const uint32_t ack = p->s->ack;
    if (e->state == INACTIVE) {
        start_at(e, ack - 1, ack - 1);
        p->rel_ack = 1;
        return;
    }
    if (!relative(ack, e->acked, e->acked_wraps, e->start, &p->rel_ack)) {
        p->rel_ack = 0;
        return;
    }
    const int32_t step = tcphs_seq_diff(ack, e->acked);
    if (is(p, TCPHS_RST) || step <= 0 || (ack == 0 && step > FAR_JUMP))
        return;
    e->acked_wraps = (uint16_t)(e->acked_wraps + tcphs_seq_wrapped(ack, e->acked));
    e->acked = ack;
}

static void set_last(struct tcphs_zeek_end *e, uint32_t end)
{
    e->last_wraps = (uint16_t)(e->last_wraps + tcphs_seq_wrapped(end, e->last));
    e->last = end;
}

static void advance_last(const struct passing *p)
{
    struct tcphs_zeek_end *e = sender(p);
    const int32_t step = tcphs_seq_diff(p->end, e->last);
    if (is(p, TCPHS_SYN | TCPHS_RST) && (step > FAR_JUMP || step < -FAR_JUMP))
        return;
    if (is(p, TCPHS_FIN) && e->last == e->start + 1)
        set_last(e, p->end);
    else if (e->state == RESET)
        return;
    else if (step > 0)
        set_last(e, p->end);
    else if (p->s->length > 0)
        count_letter(p, p->role, TCPHS_ZEEK_T);
}

/* How far a number that has wrapped so often lies behind the end's SYN. */
static uint64_t reach(const struct tcphs_zeek_end *e, uint32_t number, uint16_t wraps)
{
    return wraps == 0 ? (uint32_t)(number - e->start) : ((uint64_t)wraps << 32) + number - e->start;
}

static uint64_t relative_last(const struct tcphs_zeek_end *e)
{
    return reach(e, e->last, e->last_wraps);
}

/* orig_bytes or resp_bytes of the log. */
static uint64_t size_of(const struct tcphs_zeek *z, unsigned role)
{
    const struct tcphs_zeek_end *e = &z->end[role];
    const uint64_t last = relative_last(e), acked = reach(e, e->acked, e->acked_wraps);
    if (e->before == SYN_SENT && e->state == RESET && z->end[!role].state == INACTIVE && acked > 1)
        return 0;
    uint64_t size = last > acked ? last : acked;
    size -= size > 0;
    size -= size > 0 && e->has_fin;
    return size;
}

/* The window ---------------------------------------------------------------------------------------------------- */

static void log_window(const struct passing *p)
{
    const bool closed = (uint32_t)p->s->window << sender(p)->scale == 0;
    if (closed && !is(p, TCPHS_RST) && peer(p)->state != CLOSED && sender(p)->state != RESET)
        count_letter(p, p->role, TCPHS_ZEEK_W);
}

static void take_scale(const struct passing *p)
{
    if (p->s->options & TCPHS_OPT_WSCALE) {
        sender(p)->scale = p->s->wscale > LARGEST_SCALE ? LARGEST_SCALE : p->s->wscale;
        return;
    }
    sender(p)->scale = 0;
    if (is(p, TCPHS_ACK))
        peer(p)->scale = 0;
}

/* States -------------------------------------------------------------------------------------------------------- */

static void set_state(struct tcphs_zeek *z, unsigned role, enum zeek_state state)
{
    struct tcphs_zeek_end *e = &z->end[role];
    if (e->state == state)
        return;
    if (is_opening(e->state) && !is_opening(state) && is_opening(z->end[!role].state) && z->patience < PATIENCE)
        z->patience = PATIENCE;
    e->before = e->state;
    e->state = (uint8_t)state;
}

static void close_sender(struct passing *p, enum zeek_state state, bool event)
{
    set_state(p->z, p->role, state);
    p->closes = true;
    p->close_event |= event;
}

static bool is_login_port(uint16_t port)
{
    return port == 21 || port == 22 || port == 23 || port == 513;
}

/* The responder has answered the SYN: for Zeek that is a connection. */
static void answer(struct passing *p)
{
    struct tcphs_zeek *z = p->z;
    if (!is(p, TCPHS_ACK) && peer(p)->state == SYN_ACK_SENT && p->s->seq == sender(p)->start) {
        swap_roles(z);
        p->role = !p->role;
        append(z, '^', p->in->grow);
        set_state(z, !p->role, ESTABLISHED);
    }
    if (peer(p)->state == SYN_SENT)
        set_state(z, !p->role, ESTABLISHED);
    set_state(z, p->role, ESTABLISHED);
    if (peer(p)->state != PARTIAL && is_login_port(z->end[RESPONDER].port))
        z->patience = PATIENCE_LOGIN;
}

/* A RST that refuses the connection. */
static bool rejects(const struct passing *p)
{
    const unsigned other = peer(p)->state;
    return p->came_from == ORIGINATOR ? other == ESTABLISHED : other == SYN_SENT || other == SYN_ACK_SENT;
}

static void first_words(struct passing *p)
{
    struct tcphs_zeek *z = p->z;
    if (is(p, TCPHS_SYN) && p->came_from == ORIGINATOR) {
        set_state(z, p->role, is(p, TCPHS_ACK) ? SYN_ACK_SENT : SYN_SENT);
        z->attempt_over = p->s->time + ATTEMPT_DELAY;
    } else if (is(p, TCPHS_SYN)) {
        answer(p);
    }
    if (is(p, TCPHS_FIN))
        close_sender(p, CLOSED, true);
    if (is(p, TCPHS_RST))
        close_sender(p, RESET, !rejects(p));
    if (sender(p)->state != INACTIVE ||
        (p->came_from == RESPONDER && p->s->length == 0 && z->end[ORIGINATOR].state == SYN_SENT))
        return;
    if (is(p, TCPHS_ACK) && peer(p)->state == ESTABLISHED) {
        set_state(z, p->role, ESTABLISHED);
        z->is_partial = false;
    } else {
        set_state(z, p->role, PARTIAL);
    }
}

static void words_of_opening(struct passing *p)
{
    if (is(p, TCPHS_FIN))
        close_sender(p, CLOSED, true);
    if (is(p, TCPHS_RST)) {
        close_sender(p, RESET, false);
        p->z->active = false;
    }
}

static void words_of_open(struct passing *p)
{
    struct tcphs_zeek *z = p->z;
    if (is(p, TCPHS_SYN) && !is(p, TCPHS_ACK) && sender(p)->state == PARTIAL && peer(p)->state == INACTIVE)
        set_state(z, p->role, SYN_SENT);
    if (is(p, TCPHS_RST)) {
        if (peer(p)->state != RESET || peer(p)->before != ESTABLISHED)
            z->active = false;
        close_sender(p, RESET, false);
    } else if (is(p, TCPHS_FIN)) {
        if (peer(p)->state == RESET && peer(p)->before == CLOSED)
            set_state(z, !p->role, CLOSED);
        close_sender(p, CLOSED, true);
    }
}

static void move(struct passing *p)
{
    switch ((enum zeek_state)sender(p)->state) {
    case INACTIVE:
        first_words(p);
        break;
    case SYN_SENT:
    case SYN_ACK_SENT:
        words_of_opening(p);
        break;
    case PARTIAL:
    case ESTABLISHED:
        words_of_open(p);
        break;
    case CLOSED:
        if (is(p, TCPHS_RST) && peer(p)->state != CLOSED) {
            set_state(p->z, p->role, RESET);
            p->closes = !sender(p)->did_close;
        }
        break;
    case RESET:
        break;
    }
}

/* Closing ------------------------------------------------------------------------------------------------------- */

/* Data of this end, or of its peer on the way to it, is still to come or to be acknowledged. */
static bool is_pending(const struct tcphs_zeek *z, unsigned role)
{
    const struct tcphs_zeek_end *e = &z->end[role];
    const uint64_t last = relative_last(e);
    if (e->bytes.skip || last < e->bytes.next)
        return false;
    if (last - e->bytes.next > 1)
        return true;
    return e->state != RESET && tcphs_zeek_bytes_kept(&z->end[!role].bytes) > 0;
}

static void close_end(struct tcphs_zeek *z, unsigned role, bool event)
{
    struct tcphs_zeek_end *e = &z->end[role];
    const struct tcphs_zeek_end *other = &z->end[!role];
    if (is_pending(z, role)) {
        z->close_deferred = true;
        z->deferred_event |= event;
        return;
    }
    z->close_deferred = false;
    if (e->did_close)
        return;
    e->did_close = true;
    if (e->state != RESET && !other->did_close && other->state != INACTIVE) {
        if (e->before != INACTIVE && z->look_again == 0)
            z->look_again = z->last_time + LOOK_AGAIN;
        return;
    }
    if ((e->before != INACTIVE || other->state != INACTIVE) && (event || z->deferred_event))
        z->active = false;
    z->attempt_over = z->look_again = 0;
    z->delete_at = z->last_time + CLOSE_DELAY;
}

static void check_end_of_data(struct tcphs_zeek *z, unsigned role)
{
    struct tcphs_zeek_end *e = &z->end[role];
    if (e->bytes.ended || !(e->has_fin || e->state >= CLOSED) || is_pending(z, role))
        return;
    e->bytes.ended = true;
    if (z->close_deferred)
        close_end(z, role, z->deferred_event);
}

/* Bytes --------------------------------------------------------------------------------------------------------- */

static bool is_clean(const struct tcphs_zeek_end *e)
{
    return e->state == ESTABLISHED || (e->state == CLOSED && e->before == ESTABLISHED);
}

static void acknowledge_bytes(const struct passing *p)
{
    struct tcphs_zeek_end *e = peer(p);
    const uint64_t to = e->has_fin && p->rel_ack >= e->fin_at ? e->fin_at - 1 : p->rel_ack;
    if (to <= e->bytes.trim)
        return;
    unsigned holes = tcphs_zeek_bytes_trim(&e->bytes, to, p->z->is_partial);
    for (; holes > 0 && is_clean(e) && is_clean(sender(p)); holes--)
        count_letter(p, !p->role, TCPHS_ZEEK_G);
    check_end_of_data(p->z, !p->role);
}

static void take_bytes(const struct passing *p)
{
    struct tcphs_zeek_end *e = sender(p);
    struct tcphs_zeek_bytes *b = &e->bytes;
    const uint64_t left = p->rel + (is(p, TCPHS_SYN) ? 1 : 0), before = b->next;
    tcphs_zeek_bytes_add(b, left, left + p->s->length, p->in->grow);
    const bool none_acked = tcphs_seq_follows(e->acked, e->start, 1);
    if (none_acked && b->next > before && size_of(p->z, p->role) > FIRST_FLIGHT)
        tcphs_zeek_bytes_trim(b, b->next, p->z->is_partial);
    if (b->count == 0 && !(tcphs_zeek_bytes_kept(b) > MOST_KEPT))
        return;
    if ((none_acked && b->count > 0 && b->ahead[b->count - 1][1] - b->next > FIRST_FLIGHT) ||
        tcphs_zeek_bytes_kept(b) > MOST_KEPT)
        tcphs_zeek_bytes_give_up(b);
}

/* One segment --------------------------------------------------------------------------------------------------- */

static unsigned role_of(const struct tcphs_zeek *z, const struct tcphs_segment *s)
{
    return s->from == z->originator ? ORIGINATOR : RESPONDER;
}

static void note_partial(const struct passing *p)
{
    struct tcphs_zeek *z = p->z;
    const bool first = (z->passed & 1u << p->role) == 0;
    if (!first)
        return;
    if (p->role == ORIGINATOR)
        z->is_partial = !(is(p, TCPHS_SYN) && !is(p, TCPHS_ACK));
    else if (!z->is_partial)
        z->is_partial = !is(p, TCPHS_SYN);
}

/* Zeek's clock has microseconds. */
static int64_t zeek_time(int64_t time)
{
    return time / 1000 * 1000;
}

static bool brings_bytes(const struct passing *p)
{
    return p->s->length > 0 && !is(p, TCPHS_RST) && !p->underflow && p->in->is_whole;
}

void tcphs_zeek_segment(struct tcphs_zeek *z, const struct tcphs_zeek_input *in)
{
    const struct tcphs_segment *s = in->segment;
    struct passing p = { .z = z, .in = in, .s = s, .role = role_of(z, s) };
    if (s->options & TCPHS_OPTIONS_CUT)
        return; /* a header cut short opens a connection and does nothing else */
    if (in->bad_checksum) {
        count_letter(&p, p.role, TCPHS_ZEEK_C);
        return;
    }
    p.came_from = p.role;
    note_partial(&p);
    p.end = s->seq + (is(&p, TCPHS_RST) ? tcphs_segment_space(s) - s->length : tcphs_segment_space(s));
    begin_numbers(&p);
    p.underflow = !relative(s->seq, sender(&p)->last, sender(&p)->last_wraps, sender(&p)->start, &p.rel);
    log_flags(&p);
    log_window(&p);
    if (!z->end[0].did_close || !z->end[1].did_close)
        z->last_time = zeek_time(s->time);
    if (is(&p, TCPHS_SYN))
        take_scale(&p);
    if (is(&p, TCPHS_FIN)) {
        sender(&p)->has_fin = true;
        sender(&p)->fin_at = p.rel + (p.end - s->seq);
    }
    if (is(&p, TCPHS_ACK))
        take_ack(&p);
    advance_last(&p);
    move(&p);
    if (is(&p, TCPHS_ACK))
        acknowledge_bytes(&p);
    z->passed |= (uint8_t)(1u << p.came_from);
    if (brings_bytes(&p))
        take_bytes(&p);
    check_end_of_data(z, p.role);
    if (p.closes)
        close_end(z, p.role, p.close_event);
}

/* Both ends are open, and the sender was heard before. */
static inline bool is_open_after(const struct tcphs_zeek *z, unsigned role)
{
    return z->end[0].state == ESTABLISHED && z->end[1].state == ESTABLISHED && (z->passed & 1u << role);
}

/* Whole, and nothing in its header that the history or a state would show. */
static inline bool is_plain(const struct tcphs_zeek_input *in)
{
    const struct tcphs_segment *s = in->segment;
    return (s->flags & (TCPHS_FIN | TCPHS_SYN | TCPHS_RST | TCPHS_ACK)) == TCPHS_ACK && s->window != 0 &&
           !(s->options & TCPHS_OPTIONS_CUT) && !in->bad_checksum && in->is_whole;
}

/* Both numbers go on from the last ones, with no wrap in between. */
static inline bool goes_on(const struct tcphs_zeek_end *e, const struct tcphs_zeek_end *other,
                           const struct tcphs_segment *s)
{
    return s->seq == e->last && (e->last_wraps | other->acked_wraps) == 0 && tcphs_seq_diff(s->seq, e->start) >= 0 &&
           !tcphs_seq_wrapped(s->seq + s->length, s->seq) && tcphs_seq_climbs(other->acked, s->ack) &&
           tcphs_seq_diff(s->ack, other->start) >= 0;
}

/* acknowledge_bytes and take_bytes, where no byte is missing or given up, and neither end is about to close. */
static bool pass_in_order(struct tcphs_zeek_end *e, struct tcphs_zeek_bytes *acked, uint64_t rel_ack, uint32_t length)
{
    struct tcphs_zeek_bytes *sent = &e->bytes;
    const uint64_t right = e->last - e->start + (uint64_t)length;
    const bool is_first_flight = tcphs_seq_follows(e->acked, e->start, 1);
    if (rel_ack > acked->next || right - length != sent->next || sent->skip || sent->count > 0 ||
        right - sent->trim > MOST_KEPT || (is_first_flight && right > FIRST_FLIGHT))
        return false;
    if (rel_ack > acked->trim)
        acked->trim = rel_ack;
    sent->next = right;
    return true;
}

/* A segment of the fast path where a byte is missing or given up after all, or where the first of its kind leaves a
 * letter. */
static void pass_plain(struct tcphs_zeek *z, const struct tcphs_zeek_input *in, unsigned role)
{
    const struct tcphs_segment *s = in->segment;
    const struct tcphs_zeek_end *e = &z->end[role], *other = &z->end[!role];
    struct passing p = { .z = z,
                         .in = in,
                         .s = s,
                         .rel = s->seq - e->start,
                         .rel_ack = s->ack - other->start,
                         .end = s->seq + s->length,
                         .role = role };
    log_flags(&p);
    acknowledge_bytes(&p);
    if (s->length > 0)
        take_bytes(&p);
}

bool tcphs_zeek_fast_path(struct tcphs_zeek *z, const struct tcphs_zeek_input *in)
{
    const struct tcphs_segment *s = in->segment;
    const unsigned role = role_of(z, s);
    const uint32_t said = s->length > 0 ? SEEN_DATA : SEEN_ACK;
    struct tcphs_zeek_end *e = &z->end[role], *other = &z->end[!role];
    if (!is_open_after(z, role) || !is_plain(in) || !goes_on(e, other, s))
        return false;
    const bool told = (z->seen & (role == ORIGINATOR ? said : said << 16)) &&
                      pass_in_order(e, &other->bytes, s->ack - other->start, s->length);
    z->last_time = zeek_time(s->time);
    other->acked = s->ack;
    e->last = s->seq + s->length;
    if (!told)
        pass_plain(z, in, role);
    return true;
}

void tcphs_zeek_begin(struct tcphs_zeek *z, const struct tcphs_zeek_input *in, tcphs_zeek_is_server_port is_server_port)
{
    const struct tcphs_segment *s = in->segment;
    memset(z, 0, sizeof *z);
    z->originator = s->from;
    z->end[ORIGINATOR].port = s->source_port;
    z->end[RESPONDER].port = s->destination_port;
    z->end[0].bytes.next = z->end[0].bytes.trim = z->end[1].bytes.next = z->end[1].bytes.trim = 1;
    z->last_time = zeek_time(s->time);
    z->look_again = z->last_time + LOOK_FIRST;
    z->patience = PATIENCE_OPENING;
    z->active = true;
    if ((s->flags & (TCPHS_SYN | TCPHS_ACK)) == TCPHS_SYN || s->to_itself || !is_server_port(s->source_port))
        return;
    if (is_server_port(s->destination_port) && (tcphs_has_any(s, TCPHS_SYN) || s->source_port >= s->destination_port))
        return;
    swap_roles(z);
    append(z, '^', in->grow);
}

/* The end of a connection --------------------------------------------------------------------------------------- */

/* Zeek looks every few seconds whether a half-finished close is worth waiting for. Between two segments nothing
 * changes, so only the last look counts; it is taken to come exactly when it is due. */
static bool is_given_up(struct tcphs_zeek *z, int64_t now)
{
    const struct tcphs_zeek_end *o = &z->end[ORIGINATOR], *r = &z->end[RESPONDER];
    if (z->look_again == 0 || z->look_again > now)
        return false;
    const int64_t looks = (now - z->look_again) / LOOK_AGAIN;
    const int64_t last_look = z->look_again + looks * LOOK_AGAIN;
    z->look_again = z->active ? last_look + LOOK_AGAIN : 0;
    if (z->last_time + CLOSE_DELAY >= last_look)
        return false;
    const bool any_inactive = o->state == INACTIVE || r->state == INACTIVE;
    const bool any_reset = o->state == RESET || r->state == RESET;
    if (o->did_close || r->did_close)
        return (o->did_close && r->did_close) || any_reset || any_inactive;
    return o->state == INACTIVE && r->state == INACTIVE;
}

static bool has_run_out(struct tcphs_zeek *z, int64_t now)
{
    const struct tcphs_zeek_end *o = &z->end[ORIGINATOR];
    if (z->delete_at != 0 && z->delete_at <= now)
        return true;
    if (z->attempt_over != 0 && z->attempt_over <= now) {
        z->attempt_over = 0;
        if (z->active && (o->state == SYN_SENT || o->state == SYN_ACK_SENT) && z->end[RESPONDER].state == INACTIVE)
            return true;
    }
    return z->last_time + z->patience * TCPHS_SECOND <= now || is_given_up(z, now);
}

/* A SYN that opens another connection on the same addresses and ports. */
static bool is_reuse(const struct tcphs_zeek *z, const struct tcphs_segment *s)
{
    const struct tcphs_zeek_end *o = &z->end[ORIGINATOR], *r = &z->end[RESPONDER];
    const bool with_ack = tcphs_has_any(s, TCPHS_ACK);
    if (!tcphs_has_any(s, TCPHS_SYN) || (with_ack && o->state != INACTIVE))
        return false;
    if (o->did_close || r->did_close)
        return true;
    const struct tcphs_zeek_end *of = with_ack ? r : o;
    if (s->seq == of->start)
        return false;
    return with_ack || of->state != SYN_ACK_SENT || r->state != INACTIVE || s->seq != r->start;
}

/* Timers stand at whole microseconds, so the nanoseconds of `now` make no difference. */
bool tcphs_zeek_is_over(struct tcphs_zeek *z, const struct tcphs_segment *s, int64_t now)
{
    return has_run_out(z, now) || is_reuse(z, s);
}

/* The words of the log ------------------------------------------------------------------------------------------ */

const char *tcphs_zeek_history(const struct tcphs_zeek *z)
{
    return z->history != NULL ? z->history : z->brief;
}

/* S, then nothing else the originator could say before its RST. */
static bool is_lone_syn_and_rst(const char *history)
{
    history += history[0] == '^';
    if (history[0] != 'S')
        return false;
    history += 1 + strcspn(history + 1, "HAFGIQR");
    return history[0] == 'R';
}

static bool never_opened(unsigned state)
{
    return state == INACTIVE || state == PARTIAL;
}

static const char *state_of_reset(const struct tcphs_zeek *z)
{
    const unsigned o = z->end[ORIGINATOR].state, r = z->end[RESPONDER].state;
    if (r == RESET) {
        if (o == SYN_SENT || o == SYN_ACK_SENT ||
            (o == RESET && size_of(z, ORIGINATOR) == 0 && size_of(z, RESPONDER) == 0))
            return "REJ";
        return never_opened(o) ? "RSTRH" : "RSTR";
    }
    if (!never_opened(r))
        return "RSTO";
    return is_lone_syn_and_rst(tcphs_zeek_history(z)) ? "RSTOS0" : "OTH";
}

const char *tcphs_zeek_state(const struct tcphs_zeek *z)
{
    const unsigned o = z->end[ORIGINATOR].state, r = z->end[RESPONDER].state;
    if (o == RESET || r == RESET)
        return state_of_reset(z);
    if (o == CLOSED && r == CLOSED)
        return "SF";
    if (o == CLOSED)
        return never_opened(r) ? "SH" : "S2";
    if (r == CLOSED)
        return never_opened(o) ? "SHR" : "S3";
    if (o == SYN_SENT && r == INACTIVE)
        return "S0";
    return o == ESTABLISHED && r == ESTABLISHED ? "S1" : "OTH";
}
