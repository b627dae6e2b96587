/* frame_set.c
 * A sorted array: four bytes a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/frame_set.h"

static bool is_last(const struct tcphs_frame_set *set, guint32 frame)
{
    return set->count > 0 && set->frames[set->count - 1] == frame;
}

void tcphs_frame_set_add(struct tcphs_frame_set *set, guint32 frame)
{
    enum { LEAST = 64 };
    if (is_last(set, frame))
        return;
    if (set->count == set->room) {
        set->room = MAX(set->room * 2, LEAST);
        set->frames = (guint32 *)wmem_realloc(wmem_file_scope(), set->frames, (gsize)set->room * sizeof *set->frames);
    }
    set->frames[set->count++] = frame;
}

void tcphs_frame_set_take_back(struct tcphs_frame_set *set, guint32 frame)
{
    if (is_last(set, frame))
        set->count--;
}

bool tcphs_frame_set_search(const struct tcphs_frame_set *set, guint32 frame)
{
    guint32 low = 0, high = set->count;
    while (low < high) {
        const guint32 middle = low + (high - low) / 2;
        if (set->frames[middle] < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->frames[low] == frame;
}
