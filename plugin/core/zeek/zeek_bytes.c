/* zeek_bytes.c
 * The bytes of one end in Zeek's eyes: which were seen, which acknowledged, and where an acknowledgment covers a hole.
 * No payload is kept, only its extent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "zeek/zeek_bytes.h"

#include <string.h>

/* A stream in so many pieces at once has been cut up by somebody, or is hardly in the capture at all: each piece more
 * would take longer than the one before, and the stream is given up, as one is that holds too many bytes. */
enum { MOST_AHEAD = 1024 };

static void remove_ahead(struct tcphs_zeek_bytes *b, uint32_t at, uint32_t count)
{
    for (uint32_t i = at; i < at + count; i++)
        b->ahead_bytes -= b->ahead[i][1] - b->ahead[i][0];
    memmove(b->ahead + at, b->ahead + at + count, (b->count - at - count) * sizeof *b->ahead);
    b->count -= count;
}

/* Takes over what is ahead no longer. */
static void deliver(struct tcphs_zeek_bytes *b)
{
    uint32_t done = 0;
    while (done < b->count && b->ahead[done][0] <= b->next) {
        if (b->ahead[done][1] > b->next)
            b->next = b->ahead[done][1];
        done++;
    }
    if (done > 0)
        remove_ahead(b, 0, done);
}

static void insert_ahead(struct tcphs_zeek_bytes *b, uint32_t at, uint64_t left, uint64_t right, tcphs_grow grow)
{
    if (b->count == b->room) {
        const uint32_t room = b->room ? b->room * 2 : 2;
        b->ahead = grow(b->ahead, b->room * sizeof *b->ahead, room * sizeof *b->ahead);
        b->room = room;
    }
    memmove(b->ahead + at + 1, b->ahead + at, (b->count - at) * sizeof *b->ahead);
    b->ahead[at][0] = left;
    b->ahead[at][1] = right;
    b->ahead_bytes += right - left;
    b->count++;
}

/* The first that ends at or behind `left`; mostly there is none, or the last one is it. */
static uint32_t first_reaching(const struct tcphs_zeek_bytes *b, uint64_t left)
{
    uint32_t low = 0, high = b->count;
    if (high == 0 || b->ahead[high - 1][1] < left)
        return high;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (b->ahead[middle][1] < left)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps [left, right), joined with all it touches. */
static void keep_ahead(struct tcphs_zeek_bytes *b, uint64_t left, uint64_t right, tcphs_grow grow)
{
    const uint32_t first = first_reaching(b, left);
    uint32_t beyond = first;
    while (beyond < b->count && b->ahead[beyond][0] <= right)
        beyond++;
    if (first < beyond) {
        if (b->ahead[first][0] < left)
            left = b->ahead[first][0];
        if (b->ahead[beyond - 1][1] > right)
            right = b->ahead[beyond - 1][1];
        remove_ahead(b, first, beyond - first);
    } else if (b->count == MOST_AHEAD) {
        tcphs_zeek_bytes_give_up(b);
        return;
    }
    insert_ahead(b, first, left, right, grow);
}

void tcphs_zeek_bytes_add(struct tcphs_zeek_bytes *b, uint64_t left, uint64_t right, tcphs_grow grow)
{
    if (b->skip || right <= b->trim)
        return;
    if (left < b->trim)
        left = b->trim;
    if (left > b->next) {
        keep_ahead(b, left, right, grow);
    } else if (right > b->next) {
        b->next = right;
        deliver(b);
    }
}

unsigned tcphs_zeek_bytes_trim(struct tcphs_zeek_bytes *b, uint64_t to, bool is_partial)
{
    unsigned holes = 0;
    if (to <= b->trim)
        return 0;
    if (to > b->next && (to > 2 || !is_partial)) {
        while (b->count > 0 && b->ahead[0][0] < to) {
            holes++;
            b->next = b->ahead[0][0];
            deliver(b);
        }
        if (b->next < to) {
            holes += b->skip ? 0 : 1;
            b->next = to;
        }
        deliver(b);
    }
    b->trim = to;
    return holes;
}

uint64_t tcphs_zeek_bytes_kept(const struct tcphs_zeek_bytes *b)
{
    if (b->skip)
        return 0;
    return (b->next > b->trim ? b->next - b->trim : 0) + b->ahead_bytes;
}

void tcphs_zeek_bytes_give_up(struct tcphs_zeek_bytes *b)
{
    b->skip = true;
    b->count = 0;
    b->ahead_bytes = 0;
}
