/* attempts.c
 * Keeps the attempts of a client and walks through them by target and time when it is asked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/attempts.h"

#define SAME_TRY (G_GINT64_CONSTANT(60) * 1000000000) /* who comes back later has begun something else */

void tcphs_attempts_add(struct tcphs_attempts *a, const struct tcphs_attempt *attempt)
{
    if (a->count++ == 0) {
        a->only = *attempt;
        return;
    }
    if (a->all == NULL) {
        a->all = g_array_new(FALSE, FALSE, sizeof *attempt);
        g_array_append_val(a->all, a->only);
    }
    g_array_append_vals(a->all, attempt, 1);
}

static gint compare(gconstpointer left, gconstpointer right)
{
    const struct tcphs_attempt *a = (const struct tcphs_attempt *)left, *b = (const struct tcphs_attempt *)right;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (gint)a->port - b->port;
}

/* The same wish, tried again. */
static gboolean continues(const struct tcphs_attempt *before, const struct tcphs_attempt *next)
{
    return before->established < 0 && before->target == next->target && next->start - before->over <= SAME_TRY;
}

struct tcphs_retries tcphs_attempts_sum(struct tcphs_attempts *a)
{
    struct tcphs_retries sum = { .longest_wait = -1 };
    gint64 begun = 0;
    if (a->all != NULL)
        g_array_sort(a->all, compare);
    const struct tcphs_attempt *list = a->all != NULL ? (const struct tcphs_attempt *)(void *)a->all->data : &a->only;
    for (guint i = 0; i < a->count; i++) {
        const gboolean again = i > 0 && continues(&list[i - 1], &list[i]);
        begun = again ? begun : list[i].start;
        sum.on_other_ports += again && list[i].port != list[i - 1].port;
        if (list[i].established >= 0)
            sum.longest_wait = MAX(sum.longest_wait, list[i].established - begun);
    }
    return sum;
}

void tcphs_attempts_clear(struct tcphs_attempts *a)
{
    if (a->all != NULL)
        g_array_free(a->all, TRUE);
    *a = (struct tcphs_attempts){ .count = 0 };
}
