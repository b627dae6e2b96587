/* frame_set.h
 * A set of frame numbers that are added in rising order.
 * Lifetime: of the open file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FRAME_SET_H
#define TCPHS_FRAME_SET_H

#include "compat.h"

/** Empty when all zero. Lifetime: file, as the array that it points to. */
struct tcphs_frame_set {
    guint32 *frames; /**< in rising order */
    guint32 count, room;
};

/** Adds a frame that is not below any other of the set. */
void tcphs_frame_set_add(struct tcphs_frame_set *set, guint32 frame);

/** Takes out the frame that was added last, if it is this one. */
void tcphs_frame_set_take_back(struct tcphs_frame_set *set, guint32 frame);

/** See tcphs_frame_set_has. */
bool tcphs_frame_set_search(const struct tcphs_frame_set *set, guint32 frame);

/** Whether a frame is in the set; one that is newer than all of them costs next to nothing. */
static inline bool tcphs_frame_set_has(const struct tcphs_frame_set *set, guint32 frame)
{
    return set->count > 0 && frame <= set->frames[set->count - 1] && tcphs_frame_set_search(set, frame);
}

#endif
