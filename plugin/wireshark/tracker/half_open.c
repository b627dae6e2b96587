/* half_open.c
 * Attempts stand in one queue, the one that was silent for longest first, and each counts for its server. What a step
 * saw is kept by frame: frames come in order, so it is found by halves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/half_open.h"

#include <string.h>

/* A server and how many attempts are half open at it. Lifetime: file; less, where no attempt is left. */
struct server {
    struct {
        guint8 address[16];
        guint16 type, port;
    } name;
    guint32 half_open;
};

/* An attempt that is half open. Lifetime: file; less, where it is over. */
struct attempt {
    GList link; /* in the queue */
    struct server *server;
    gint64 time; /* of its last SYN or SYN-ACK */
    guint32 id;
};

/* How many were half open at a step. Lifetime: file. */
struct seen {
    guint32 frame, id, half_open;
};

/* Lifetime: file. */
static GQueue attempts = G_QUEUE_INIT;
static GHashTable *attempt_of; /* connection -> struct attempt */
static GHashTable *servers;    /* its name -> struct server */
static struct server *newest; /* that an attempt came for: the next is often for the same; it stays when none is left */
static GArray *steps;         /* of struct seen */

static guint hash_name(gconstpointer server)
{
    return wmem_strong_hash((const guint8 *)server, sizeof((const struct server *)server)->name);
}

static gboolean same_name(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof((const struct server *)a)->name) == 0;
}

void tcphs_half_open_begin(void)
{
    if (steps == NULL) {
        attempt_of = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        servers = g_hash_table_new_full(hash_name, same_name, g_free, NULL);
    } else {
        g_array_free(steps, TRUE);
    }
    g_queue_init(&attempts); /* its links lie in the attempts */
    g_hash_table_remove_all(attempt_of);
    g_hash_table_remove_all(servers);
    newest = NULL;
    steps = g_array_new(FALSE, FALSE, sizeof(struct seen));
}

static struct server *server_for(const struct tcphs_tuple *tuple, unsigned end)
{
    struct server name = { .name = { .type = tuple->address_type, .port = tuple->port[end] } };
    memcpy(name.name.address, tuple->address[end], sizeof name.name.address);
    if (newest != NULL && same_name(newest, &name))
        return newest;
    if (newest != NULL && newest->half_open == 0)
        g_hash_table_remove(servers, newest);
    newest = (struct server *)g_hash_table_lookup(servers, &name);
    if (newest == NULL) {
        newest = (struct server *)g_memdup2(&name, sizeof name);
        g_hash_table_add(servers, newest);
    }
    return newest;
}

static void end_attempt(struct attempt *a)
{
    g_queue_unlink(&attempts, &a->link);
    if (--a->server->half_open == 0 && a->server != newest)
        g_hash_table_remove(servers, a->server);
    g_hash_table_remove(attempt_of, GUINT_TO_POINTER(a->id));
}

static void end_silent_ones(gint64 now)
{
    while (attempts.head != NULL && ((struct attempt *)attempts.head->data)->time + TCPHS_HALF_OPEN_LIFE <= now)
        end_attempt((struct attempt *)attempts.head->data);
}

static struct attempt *attempt_for(guint32 id, const struct tcphs_tuple *tuple, unsigned server)
{
    struct attempt *a = (struct attempt *)g_hash_table_lookup(attempt_of, GUINT_TO_POINTER(id));
    if (a != NULL) {
        g_queue_unlink(&attempts, &a->link);
        return a;
    }
    a = g_new0(struct attempt, 1);
    a->link.data = a;
    a->id = id;
    a->server = server_for(tuple, server);
    a->server->half_open++;
    g_hash_table_insert(attempt_of, GUINT_TO_POINTER(id), a);
    return a;
}

void tcphs_half_open_step(guint32 frame, guint32 id, const struct tcphs_tuple *tuple, unsigned server, gint64 time)
{
    end_silent_ones(time);
    struct attempt *a = attempt_for(id, tuple, server);
    a->time = time;
    g_queue_push_tail_link(&attempts, &a->link);
    const struct seen step = { frame, id, a->server->half_open };
    g_array_append_val(steps, step);
}

void tcphs_half_open_over(guint32 id)
{
    struct attempt *a = (struct attempt *)g_hash_table_lookup(attempt_of, GUINT_TO_POINTER(id));
    if (a != NULL)
        end_attempt(a);
}

/* The first step of a frame, or of the frames behind it. */
static guint first_of(guint32 frame)
{
    guint low = 0, high = steps->len;
    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (g_array_index(steps, struct seen, middle).frame < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

guint32 tcphs_half_open_at(guint32 frame, guint32 id)
{
    for (guint i = first_of(frame); i < steps->len && g_array_index(steps, struct seen, i).frame == frame; i++)
        if (g_array_index(steps, struct seen, i).id == id)
            return g_array_index(steps, struct seen, i).half_open;
    return 0;
}

void tcphs_half_open_forget_frame(guint32 frame)
{
    g_array_set_size(steps, first_of(frame));
}
