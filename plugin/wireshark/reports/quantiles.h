/* quantiles.h
 * Figures over many values that come in any order: quantiles of times, and how many spans overlap at most. Both say the
 * same whatever the order, so that a report does not depend on how it was asked for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_QUANTILES_H
#define TCPHS_QUANTILES_H

#include <glib.h>

/** Up to this many samples quantiles are exact; beyond they are right within 1 % of the value. */
#define TCPHS_EXACT_SAMPLES 10000

/** Times that are not negative, in nanoseconds. Zeroed memory is an empty set. Lifetime: that of the statistics it is
 * part of. */
struct tcphs_samples {
    guint64 count;
    gint64 least, most, sum;
    GArray *sorted;   /* while exact */
    guint32 *buckets; /* from then on: how many lie in each of the steps that quantiles.c lays out */
};

/** Takes in one more value. */
void tcphs_samples_add(struct tcphs_samples *s, gint64 value);

/** The smallest value that at least this share of the samples does not exceed (nearest rank); -1 when there are none.
 */
gint64 tcphs_samples_quantile(const struct tcphs_samples *s, double share);

/** Gives back what the samples hold; they are empty then. */
void tcphs_samples_clear(struct tcphs_samples *s);

/** Spans of time [from, to). Zeroed memory is an empty set. Lifetime: that of the statistics it is part of. */
struct tcphs_overlap {
    guint peak;               /**< how many of them hold at one moment, at most */
    gint64 from, to;          /* the only span, while there is no more than one */
    GSequence *starts, *ends; /* sorted, when there are more */
};

/** Takes in one more span, which begins before it ends. */
void tcphs_overlap_add(struct tcphs_overlap *o, gint64 from, gint64 to);

/** Gives back what the spans hold; there are none then. */
void tcphs_overlap_clear(struct tcphs_overlap *o);

#endif
