/* record_cache.h
 * Things of one size, of which few are in use at a time: those that were not looked at for a while are packed and put
 * away, and come back as they were when they are asked for. Knows nothing of what they are; lives as long as the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_RECORD_CACHE_H
#define TCPHS_RECORD_CACHE_H

#include "compat.h"

/** Where a thing is, in use or packed. What the numbers mean is its owner's business. */
struct tcphs_record_handle {
    guintptr content;
    guint32 first_frame;
    guint32 id;
};

/** What a shelf needs to know of its things. */
struct tcphs_record_kind {
    gsize size;                                       /**< of a thing in use */
    gsize cold_most;                                  /**< no packed one is larger */
    gsize (*encode)(void *record, guint8 *out);       /**< and gives back what the thing holds beside itself */
    void (*decode)(const guint8 *cold, void *record); /**< takes such room again */
    void (*release)(void *record);                    /**< gives it back; the packed form is still good */
};

/** Where a thing in use lies. */
struct tcphs_hot_slot {
    struct tcphs_hot_slot *next; /**< came into use later, or was found in use later */
    struct tcphs_record_handle *handle;
    guint8 *cold;     /**< as it was put away last; NULL = never, or changed since */
    guint64 last_use; /**< the number of the request that asked for it last */
    guint64 record[];
};

struct tcphs_record_cache {
    const struct tcphs_record_kind *kind;
    struct tcphs_hot_slot *oldest, *newest, *unused;
    guint8 *scratch;     /* where things are packed */
    guint64 last_use;    /* requests so far */
    guint64 cold_before; /* what no later request has asked for has had its rest */
    guint64 aged;        /* the requests when the shelf last aged */
    guint32 hot_count;
    bool again; /**< set by the owner: what is asked for was known before, and need not stay in use for long */
};

/** An empty shelf; whatever it held is gone with the file that was closed. */
void tcphs_record_cache_begin(struct tcphs_record_cache *cache, const struct tcphs_record_kind *kind);

/** A span of time is over, its length is the owner's choice: what nobody asked for in the last one has had its rest. */
void tcphs_record_cache_age(struct tcphs_record_cache *cache);

/** A new thing, all zero, for an item that has none. */
void *tcphs_record_cache_add(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle);

/** Brings a thing into use, or unpacks it anew; see tcphs_record_cache_modify and _look, which ask only where that is
 * needed. */
struct tcphs_hot_slot *tcphs_record_cache_fetch(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle);

/** Forgets the packed form of a thing that is about to be changed. */
void tcphs_record_cache_forget_cold(struct tcphs_hot_slot *slot);

/** Where an item's thing lies; NULL = packed. */
static inline struct tcphs_hot_slot *tcphs_hot_slot_of(const struct tcphs_record_handle *handle)
{
    return (handle->content & 1) == 0 ? (struct tcphs_hot_slot *)handle->content : NULL;
}

/** The thing, to be looked at. Good until 100 more requests were made. */
static inline const void *tcphs_record_cache_read(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    struct tcphs_hot_slot *slot = tcphs_hot_slot_of(handle);
    if (slot == NULL)
        slot = tcphs_record_cache_fetch(cache, handle);
    slot->last_use = ++cache->last_use;
    return slot->record;
}

/** The thing, to be changed; good as long. */
static inline void *tcphs_record_cache_modify(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    struct tcphs_hot_slot *slot = tcphs_hot_slot_of(handle);
    if (slot == NULL)
        slot = tcphs_record_cache_fetch(cache, handle);
    if (slot->cold != NULL)
        tcphs_record_cache_forget_cold(slot);
    slot->last_use = ++cache->last_use;
    return slot->record;
}

/** Room for something small that lasts as long as the file, zeroed, with no bookkeeping of its own. */
void *tcphs_arena_alloc(gsize size);

#endif
