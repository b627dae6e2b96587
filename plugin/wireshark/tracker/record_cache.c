/* record_cache.c
 * Hot records form a queue. One that becomes hot goes to its end; from its beginning those are evicted that are cold,
 * and those used since go to the end again (the clock algorithm). So the use of a hot record costs next to nothing.
 * Cold is a matter of time, not of how many others were used: as long as no more than MOST_HOT are busy at once, none
 * is encoded between one use and the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/record_cache.h"

#define LEAST_HOT 128     /* never are there fewer, nor is what was used so lately evicted */
#define MOST_HOT 65536    /* more are evicted though not cold: a capture's clock may stand still */
#define MOST_AGAIN 1024   /* frames seen again may come in any order of time */
#define EXAMINED 4        /* for each that becomes hot, so many are examined … */
#define EVICTED_AT_MOST 2 /* … and so many evicted at most */

/* Arena ------------------------------------------------------------------------------------------------------------
 * Cold records, and what hot ones hold beside themselves, are small, many and short-lived: a header for each, as
 * general allocators have, would cost a tenth more, and what wmem gets back of such blocks it seldom gives out again
 * (a quarter of all memory a connection took). Free blocks are kept by size, in steps of eight bytes. */

enum { STEP = 8, SIZES = 128, CHUNK = 32 << 10 };

/* Lifetime: file. */
static guint8 *chunk;
static gsize chunk_left;
static void *free_blocks[SIZES + 1]; /* by size; each begins with a pointer to the next */

static void *take_block(gsize steps)
{
    if (steps > SIZES)
        return wmem_alloc(wmem_file_scope(), steps * STEP);
    void *block = free_blocks[steps];
    if (block != NULL) {
        memcpy(&free_blocks[steps], block, sizeof(void *));
        return block;
    }
    if (chunk_left < steps * STEP) {
        chunk = (guint8 *)wmem_alloc(wmem_file_scope(), CHUNK);
        chunk_left = CHUNK;
    }
    block = chunk;
    chunk += steps * STEP;
    chunk_left -= steps * STEP;
    return block;
}

static void free_block(void *block, gsize steps)
{
    if (steps > SIZES) {
        wmem_free(wmem_file_scope(), block);
        return;
    }
    memcpy(block, &free_blocks[steps], sizeof(void *));
    free_blocks[steps] = block;
}

static gsize steps_of(gsize size)
{
    return (size + STEP - 1) / STEP;
}

void *tcphs_arena_alloc(gsize size)
{
    const gsize steps = steps_of(size);
    return memset(take_block(steps), 0, steps * STEP);
}

void *tcphs_arena_resize(void *old, gsize old_size, gsize size)
{
    const gsize old_steps = steps_of(old_size), steps = steps_of(size);
    if (old != NULL && old_steps > SIZES && steps > SIZES)
        return wmem_realloc(wmem_file_scope(), old, steps * STEP);
    void *block = take_block(steps);
    if (old != NULL) {
        memcpy(block, old, MIN(old_size, size));
        free_block(old, old_steps);
    }
    return block;
}

void tcphs_arena_free(void *block, gsize size)
{
    if (block != NULL)
        free_block(block, steps_of(size));
}

/* A cold record begins with its size in steps. */
static guint8 *keep_cold(const guint8 *bytes, gsize length)
{
    const guint16 steps = (guint16)steps_of(sizeof steps + length);
    guint8 *block = (guint8 *)take_block(steps);
    memcpy(block, &steps, sizeof steps);
    memcpy(block + sizeof steps, bytes, length);
    return block;
}

static const guint8 *bytes_of_cold(const guint8 *cold)
{
    return cold + sizeof(guint16);
}

static void forget_cold(guint8 *cold)
{
    guint16 steps;
    memcpy(&steps, cold, sizeof steps);
    free_block(cold, steps);
}

/* Handles: content is the address of a slot, or of a cold record plus one ---------------------------------------- */

static struct tcphs_hot_slot *take_oldest(struct tcphs_record_cache *cache)
{
    struct tcphs_hot_slot *slot = cache->oldest;
    cache->oldest = slot->next;
    return slot;
}

static void put_newest(struct tcphs_record_cache *cache, struct tcphs_hot_slot *slot)
{
    slot->next = NULL;
    *(cache->oldest != NULL ? &cache->newest->next : &cache->oldest) = slot;
    cache->newest = slot;
}

static void evict(struct tcphs_record_cache *cache, struct tcphs_hot_slot *slot)
{
    if (slot->cold == NULL) {
        slot->cold = keep_cold(cache->scratch, cache->kind->encode(slot->record, cache->scratch));
    } else {
        cache->kind->release(slot->record);
    }
    slot->handle->content = (guintptr)slot->cold | 1;
    slot->next = cache->unused;
    cache->unused = slot;
    cache->hot_count--;
}

static bool is_cold(const struct tcphs_record_cache *cache, const struct tcphs_hot_slot *slot)
{
    const guint32 most = cache->again ? MOST_AGAIN : MOST_HOT;
    return slot->last_use + LEAST_HOT < cache->last_use &&
           (slot->last_use <= cache->cold_before || cache->hot_count > most);
}

static void evict_some(struct tcphs_record_cache *cache)
{
    int evicted = 0;
    for (int i = 0; i < EXAMINED && evicted < EVICTED_AT_MOST && cache->hot_count > LEAST_HOT; i++) {
        struct tcphs_hot_slot *slot = take_oldest(cache);
        if (is_cold(cache, slot)) {
            evict(cache, slot);
            evicted++;
        } else {
            put_newest(cache, slot);
        }
    }
}

/* A slot for a record that becomes hot. */
static struct tcphs_hot_slot *new_slot(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    evict_some(cache);
    struct tcphs_hot_slot *slot = cache->unused;
    if (slot != NULL)
        cache->unused = slot->next;
    else
        slot = (struct tcphs_hot_slot *)wmem_alloc(wmem_file_scope(), sizeof *slot + cache->kind->size);
    slot->handle = handle;
    slot->cold = NULL;
    slot->last_use = cache->last_use;
    handle->content = (guintptr)slot;
    put_newest(cache, slot);
    cache->hot_count++;
    return slot;
}

struct tcphs_hot_slot *tcphs_record_cache_fetch(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    guint8 *cold = (guint8 *)(handle->content - 1);
    struct tcphs_hot_slot *slot = new_slot(cache, handle);
    slot->cold = cold;
    cache->kind->decode(bytes_of_cold(cold), slot->record);
    return slot;
}

void tcphs_record_cache_forget_cold(struct tcphs_hot_slot *slot)
{
    forget_cold(slot->cold);
    slot->cold = NULL;
}

void tcphs_record_cache_age(struct tcphs_record_cache *cache)
{
    cache->cold_before = cache->aged;
    cache->aged = cache->last_use;
}

void tcphs_record_cache_begin(struct tcphs_record_cache *cache, const struct tcphs_record_kind *kind)
{
    *cache = (struct tcphs_record_cache){ .kind = kind };
    cache->scratch = (guint8 *)wmem_alloc(wmem_file_scope(), kind->cold_most);
    chunk_left = 0; /* went with the file */
    memset(free_blocks, 0, sizeof free_blocks);
}

void *tcphs_record_cache_add(struct tcphs_record_cache *cache, struct tcphs_record_handle *handle)
{
    struct tcphs_hot_slot *slot = new_slot(cache, handle);
    slot->last_use = ++cache->last_use;
    return memset(slot->record, 0, cache->kind->size);
}
