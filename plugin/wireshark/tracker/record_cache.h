/* record_cache.h
 * A cache of records of one size, few of which are in use at a time: hot ones lie decoded in slots, those not used for
 * a while are encoded and evicted to the cold store, and are decoded again, to the bit, when they are asked for. Knows
 * nothing of their contents.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_RECORD_CACHE_H
#define TCPHS_RECORD_CACHE_H

#include "compat.h"

/** Where a record is, hot or cold. The numbers are its owner's. Lifetime: file. */
struct tcphs_record_handle {
    guintptr content; /**< see record_cache.c */
    guint32 first_frame;
    guint32 id;
};

/** What a cache needs to know of its records. Lifetime: forever. */
struct tcphs_record_kind {
    gsize size;                                       /**< of a hot record */
    gsize cold_most;                                  /**< no encoded one is larger */
    gsize (*encode)(void *record, guint8 *out);       /**< and frees what the record holds beside itself */
    void (*decode)(const guint8 *cold, void *record); /**< allocates that again */
    void (*release)(void *record);                    /**< frees it; the encoded form is still good */
};

/** Where a hot record lies. Lifetime: file; used again for another record. */
struct tcphs_hot_slot {
    struct tcphs_hot_slot *next; /**< became hot later, or was found in use later */
    struct tcphs_record_handle *handle;
    guint8 *cold;     /**< as it was encoded last; NULL = never, or changed since */
    guint64 last_use; /**< the number of the request that asked for it last */
    guint64 record[];
};

/** Records of one kind, hot and cold. Lifetime: forever; all it holds: file. */
struct tcphs_record_cache {
    const struct tcphs_record_kind *kind;
    struct tcphs_hot_slot *oldest, *newest, *unused;
    guint8 *scratch;     /* where records are encoded */
    guint64 last_use;    /* requests so far */
    guint64 cold_before; /* what no later request has asked for is cold */
    guint64 aged;        /* the requests when the cache last aged */
    guint32 hot_count;
    bool again; /**< set by the owner: what is asked for was known before, and need not stay hot for long */
};

/** An empty cache; whatever it held is gone with the file that was closed. */
void tcphs_record_cache_begin(struct tcphs_record_cache *cache, const struct tcphs_record_kind *kind);

/** A span of time is over, its length is the owner's choice: what nobody asked for in the last one is cold. */
void tcphs_record_cache_age(struct tcphs_record_cache *cache);

/** A new hot record, all zero, for a handle that has none. */
void *tcphs_record_cache_add(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle);

/** Decodes a cold record into a slot; see tcphs_record_cache_modify and _read, which call it only where that is
 * needed. */
struct tcphs_hot_slot *tcphs_record_cache_fetch(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle);

/** Frees the encoded form of a record that is about to be changed. */
void tcphs_record_cache_forget_cold(struct tcphs_hot_slot *slot);

/** The slot of a hot record; NULL = it is cold. */
static inline struct tcphs_hot_slot *tcphs_hot_slot_of(const struct tcphs_record_handle *handle)
{
    return (handle->content & 1) == 0 ? (struct tcphs_hot_slot *)handle->content : NULL;
}

/** The record, to be read. The pointer is good until 100 more requests were made. */
static inline const void *tcphs_record_cache_read(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    struct tcphs_hot_slot *slot = tcphs_hot_slot_of(handle);
    if (slot == NULL)
        slot = tcphs_record_cache_fetch(cache, handle);
    slot->last_use = ++cache->last_use;
    return slot->record;
}

/** The record, to be changed; the pointer is good as long. */
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

/** A small block that lasts as long as the file, zeroed, with no bookkeeping of its own. */
void *tcphs_arena_alloc(gsize size);

/** The block with its contents at another size in bytes, perhaps elsewhere; old = NULL for a new one, not zeroed. */
void *tcphs_arena_resize(void *old, gsize old_size, gsize size);

/** Gives a block back; its owner knows the size it was asked for. NULL is none. */
void tcphs_arena_free(void *block, gsize size);

#endif
